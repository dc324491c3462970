-- How licenses changed between ingest and the release, by the year of upload.
-- grain: upload_year, direction
-- reads: tallies
-- columns:
--   upload_year SMALLINT    null: unknown
--   direction VARCHAR       of the change
--   items BIGINT
--   share DOUBLE            of the year's items
select
    upload_year,
    direction,
    sum(items)::bigint as items,
    sum(items) / sum(sum(items)) over (partition by upload_year) as share
from tallies
group by upload_year, direction
order by upload_year nulls last, direction
