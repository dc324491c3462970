-- How many items and owners each reason concerns, in order of precedence. An item may have several reasons.
-- grain: reason
-- columns:
--   reason VARCHAR
--   items BIGINT            that have the reason, alone or among others
--   owners BIGINT           distinct owners of those items
--   first_items BIGINT      items for which it is the first reason: these add up to all that was excluded
select
    exclusions.reason,
    sum(exclusions.items)::bigint as items,
    sum(exclusions.owners)::bigint as owners,
    sum(exclusions.first_items)::bigint as first_items
from stored.exclusions
left join stored.reasons on exclusions.reason = reasons.reason
group by exclusions.reason, reasons.rank
order by reasons.rank, exclusions.reason
