-- How licenses changed between ingest and the release, and what was kept.
-- Owners are left out: an owner may be in several rows of the tallies, and would be counted in each.
-- grain: license_then, license_now, direction
-- reads: tallies
-- columns:
--   license_then VARCHAR    at ingest
--   license_now VARCHAR     newest observation, the ingest included
--   direction VARCHAR       of the change
--   items BIGINT
--   kept BIGINT
--   excluded BIGINT
select
    license_then,
    license_now,
    direction,
    sum(items)::bigint as items,
    coalesce(sum(items) filter (where verdict = 'kept'), 0)::bigint as kept,
    coalesce(sum(items) filter (where verdict = 'excluded'), 0)::bigint as excluded
from tallies
group by license_then, license_now, direction
order by items desc, license_then, license_now, direction
