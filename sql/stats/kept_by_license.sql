-- What was kept of each license, by the newest license known.
-- A policy that goes by the license at ingest kept by another one: `items` tells it row by row.
-- grain: license_now
-- reads: tallies
-- columns:
--   license_now VARCHAR     newest observation, the ingest included
--   items BIGINT
--   kept BIGINT
--   share DOUBLE            kept, of the license's items
select
    license_now,
    sum(items)::bigint as items,
    coalesce(sum(items) filter (where verdict = 'kept'), 0)::bigint as kept,
    coalesce(sum(items) filter (where verdict = 'kept'), 0) / sum(items) as share
from tallies
group by license_now
order by kept desc, license_now
