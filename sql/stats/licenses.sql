-- Which licenses the manifest's items came in under.
-- grain: license
-- reads: manifest
-- columns:
--   license VARCHAR         canonical id at ingest, or unknown
--   items BIGINT
--   owners BIGINT           distinct; items without an owner count none
select
    license,
    count(*) as items,
    count(distinct row(source, owner_id)) filter (where owner_id is not null) as owners
from manifest
group by license
order by items desc, license
