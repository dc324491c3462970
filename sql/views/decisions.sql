-- What became of each item of the manifest that the release was cut from, and why.
-- grain: source, item_id
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   owner_id VARCHAR
--   verdict VARCHAR         kept or excluded
--   first_reason VARCHAR    the reason of highest precedence; null where kept
--   reasons VARCHAR[]       every reason, in order of precedence; empty where kept
select
    source,
    item_id,
    owner_id,
    'kept' as verdict,
    null::varchar as first_reason,
    []::varchar[] as reasons
from stored.items
union all
select
    excluded.source,
    excluded.item_id,
    excluded.owner_id,
    'excluded' as verdict,
    excluded.first_reason,
    list_transform(
        -- A reason's bit is its place, counted from 0.
        list_filter(known.reasons, lambda each: ((excluded.reasons >> each.place) & 1) = 1), -- noqa
        lambda each: each.reason -- noqa
    ) as reasons
from stored.excluded
cross join (
    select list(struct_pack(place := place, reason := reason) order by rank) as reasons
    from stored.reasons
) as known
