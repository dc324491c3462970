-- Every item of the manifest was decided on, once, and nothing else was.
-- grain: source, item_id
-- reads: released_manifest, decisions
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   manifest_rows BIGINT
--   decisions BIGINT
with sides as (
    select
        source,
        item_id,
        1 as manifest_row,
        0 as decision
    from released_manifest
    union all
    select
        source,
        item_id,
        0 as manifest_row,
        1 as decision
    from decisions
)

select
    source,
    item_id,
    sum(manifest_row)::bigint as manifest_rows,
    sum(decision)::bigint as decisions
from sides
group by source, item_id
having sum(manifest_row) <> 1 or sum(decision) <> 1
order by source, item_id
