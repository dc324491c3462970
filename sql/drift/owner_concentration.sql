-- What share of the changes between two days comes from few owners. Items without an owner are left out.
-- grain: direction
-- reads: license_ledger
-- parameters:
--   from_date DATE          changes after this day
--   to_date DATE            and until this day
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   direction VARCHAR       same: only visibility changed
--   items BIGINT            that changed so, however often
--   owners BIGINT           distinct
--   top_owner_share DOUBLE  of the items, those of the owner who has most of them
--   top_10_owners_share DOUBLE
--   top_percent_share DOUBLE   those of the first hundredth of the owners, rounded up
--   gini DOUBLE             0: each owner changed as many; towards 1: one changed them all
with changes as (
    select *
    from license_changes(from_date, to_date, known_on := known_on)
    where owner_id is not null
),

changed as (
    select distinct
        changes.source,
        changes.owner_id,
        changes.item_id,
        coalesce(directions.direction, 'unknown') as direction
    from changes
    left join stored.directions
        on changes.license_from = directions.license_from and changes.license_to = directions.license_to
),

by_owner as (
    select
        direction,
        source,
        owner_id,
        count(*) as items
    from changed
    group by direction, source, owner_id
),

ranked as (
    select
        direction,
        items,
        -- Owners with as many items each have some rank of their own; which one makes no difference.
        row_number() over (partition by direction order by items desc) as place,
        count(*) over (partition by direction) as owners
    from by_owner
)

select
    direction,
    sum(items)::bigint as items,
    count(*) as owners,
    max(items) / sum(items) as top_owner_share,
    sum(items) filter (where place <= 10) / sum(items) as top_10_owners_share,
    sum(items) filter (where place <= ceil(owners / 100)) / sum(items) as top_percent_share,
    (count(*) + 1 - 2 * sum(items * place) / sum(items)) / count(*) as gini
from ranked
group by direction
order by direction
