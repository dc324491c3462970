-- Changes of licenses and visibility, by month and direction. An item that went one way twice in a month counts once.
-- An item may be in several rows, as its owner may. Of direction `same` are changes of visibility alone.
-- grain: month, direction
-- reads: license_ledger
-- parameters:
--   from_date DATE          changes after this day
--   to_date DATE            and until this day
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   month DATE              its first day
--   direction VARCHAR
--   items BIGINT            distinct within the row
--   owners BIGINT           distinct; items without an owner count none
with changes as (
    select *
    from license_changes(from_date, to_date, known_on := known_on)
),

by_item as (
    select
        changes.source,
        changes.owner_id,
        changes.item_id,
        coalesce(directions.direction, 'unknown') as direction,
        date_trunc('month', changes.changed_on)::date as month
    from changes
    left join stored.directions as directions using (license_from, license_to)
    group by all
),

by_owner as (
    select
        month,
        direction,
        source,
        owner_id,
        count(*) as items
    from by_item
    group by month, direction, source, owner_id
)

select
    month,
    direction,
    sum(items)::bigint as items,
    count(owner_id) as owners
from by_owner
group by month, direction
order by month, direction = 'same', direction
