-- Why items were left out, the strongest reason first. An item may have several reasons.
-- grain: reason
-- reads: exclusions, tallies
-- columns:
--   reason VARCHAR
--   items BIGINT            that have the reason, alone or among others
--   owners BIGINT           distinct owners of those items
--   first_items BIGINT      items for which it is the first reason: these add up to all that was excluded
--   share DOUBLE            items with the reason, of all that was decided on
select
    reason,
    items,
    owners,
    first_items,
    items / (select sum(tallies.items) from tallies) as share
from exclusions
