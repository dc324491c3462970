-- Counts of every item that was decided on, kept or not.
-- grain: license_then, license_now, direction, upload_year, media_type, verdict, first_reason
-- columns:
--   license_then VARCHAR    at ingest
--   license_now VARCHAR     newest observation, the ingest included
--   direction VARCHAR       of the change from then to now
--   upload_year SMALLINT    null: unknown
--   media_type VARCHAR      photo, video or unknown
--   verdict VARCHAR         kept or excluded
--   first_reason VARCHAR    null where kept
--   items BIGINT
--   owners BIGINT           distinct within the row; rows share owners, so a sum over rows is too large
select
    license_then,
    license_now,
    direction,
    upload_year,
    media_type,
    verdict,
    first_reason,
    sum(items)::bigint as items,
    sum(owners)::bigint as owners
from stored.tallies
group by all
order by all
