-- How licenses of items changed between two dates, by the year of upload and direction.
-- An owner with items of several years or directions counts in each row, so that owners do not add up.
-- grain: upload_year, direction
-- reads: license_ledger
-- parameters:
--   from_date DATE
--   to_date DATE
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   upload_year SMALLINT    null: unknown
--   direction VARCHAR       from the license on the one date to that on the other
--   items BIGINT            of which something is known on both dates
--   owners BIGINT           distinct; items without an owner count none
--   share DOUBLE            of the year's items
--   license_changed BIGINT  items with another license; `unknown` is also from unknown to unknown
--   visibility_changed BIGINT  items with another visibility
with by_owner as (
    select
        upload_year,
        license_from,
        license_to,
        source,
        owner_id,
        count(*) as items,
        count(*) filter (where visibility_from <> visibility_to) as visibility_changed
    from license_pairs(from_date, to_date, known_on := known_on)
    group by upload_year, license_from, license_to, source, owner_id
),

by_direction as (
    select
        by_owner.upload_year,
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
    upload_year,
    direction,
    sum(items)::bigint as items,
    count(owner_id) as owners,
    sum(items) / sum(sum(items)) over (partition by upload_year) as share,
    coalesce(sum(license_changed), 0)::bigint as license_changed,
    sum(visibility_changed)::bigint as visibility_changed
from by_direction
group by upload_year, direction
order by upload_year nulls last, direction = 'same', direction
