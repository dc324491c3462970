-- How licenses of items changed between two dates, by direction: changes first, then what stayed the same.
-- An owner whose items went different ways counts in each direction, so that owners do not add up.
-- grain: direction
-- reads: license_ledger
-- parameters:
--   from_date DATE
--   to_date DATE
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   direction VARCHAR       from the license on the one date to that on the other
--   items BIGINT            of which something is known on both dates
--   owners BIGINT           distinct; items without an owner count none
--   share DOUBLE            of all items
--   license_changed BIGINT  items with another license; `unknown` is also from unknown to unknown
--   visibility_changed BIGINT  items with another visibility
with by_owner as (
    select
        license_from,
        license_to,
        source,
        owner_id,
        count(*) as items,
        count(*) filter (where visibility_from <> visibility_to) as visibility_changed
    from license_pairs(from_date, to_date, known_on := known_on)
    group by license_from, license_to, source, owner_id
),

by_direction as (
    select
        coalesce(directions.direction, 'unknown') as direction,
        by_owner.source,
        by_owner.owner_id,
        sum(by_owner.items) as items,
        sum(by_owner.items) filter (where license_from <> license_to) as license_changed,
        sum(by_owner.visibility_changed) as visibility_changed
    from by_owner
    left join stored.directions as directions using (license_from, license_to)
    group by all
)

select
    direction,
    sum(items)::bigint as items,
    count(owner_id) as owners,
    sum(items) / sum(sum(items)) over () as share,
    coalesce(sum(license_changed), 0)::bigint as license_changed,
    sum(visibility_changed)::bigint as visibility_changed
from by_direction
group by direction
order by direction = 'same', items desc, direction
