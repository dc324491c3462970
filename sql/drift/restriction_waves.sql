-- Days on which many owners restricted at once: another license that allows less, or items gone from sight.
-- grain: changed_on
-- reads: license_ledger
-- parameters:
--   owners_at_least BIGINT := 10
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   changed_on DATE
--   owners BIGINT           distinct; items without an owner count none
--   items BIGINT
--   license_items BIGINT    of them, whose license was restricted or withdrawn
--   hidden_items BIGINT     of them, that could be seen and became private, deleted or missing
--   top_owner_share DOUBLE  of the items, those of the owner who restricted most
with changes as (
    select *
    from license_changes('-infinity', 'infinity', known_on := known_on)
),

restricted as (
    select
        changes.changed_on,
        changes.source,
        changes.owner_id,
        coalesce(directions.direction in ('restriction', 'withdrawn'), false) as by_license,
        changes.visibility_from in ('public', 'unknown')
        and changes.visibility_to in ('private', 'deleted', 'missing') as is_hidden
    from changes
    left join stored.directions
        on changes.license_from = directions.license_from and changes.license_to = directions.license_to
),

by_owner as (
    select
        changed_on,
        source,
        owner_id,
        count(*) as items,
        count(*) filter (where by_license) as license_items,
        count(*) filter (where is_hidden) as hidden_items
    from restricted
    where by_license or is_hidden
    group by changed_on, source, owner_id
),

days as (
    select
        changed_on,
        count(owner_id) as owners,
        sum(items)::bigint as items,
        sum(license_items)::bigint as license_items,
        sum(hidden_items)::bigint as hidden_items,
        max(items) filter (where owner_id is not null) / sum(items) as top_owner_share
    from by_owner
    group by changed_on
)

select *
from days
where owners >= owners_at_least::bigint
order by changed_on
