-- How licenses of items changed between two dates, by license: changes first, then what stayed the same.
-- An owner whose items went different ways counts in each row, so that owners do not add up.
-- grain: license_from, license_to
-- reads: license_ledger
-- parameters:
--   from_date DATE
--   to_date DATE
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   license_from VARCHAR
--   license_to VARCHAR
--   direction VARCHAR       from the one license to the other
--   items BIGINT            of which something is known on both dates
--   owners BIGINT           distinct; items without an owner count none
--   share DOUBLE            of the items that had license_from
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

by_license as (
    select
        license_from,
        license_to,
        sum(items)::bigint as items,
        count(owner_id) as owners,
        sum(visibility_changed)::bigint as visibility_changed
    from by_owner
    group by license_from, license_to
)

select
    license_from,
    license_to,
    coalesce(directions.direction, 'unknown') as direction,
    by_license.items,
    by_license.owners,
    by_license.items / sum(by_license.items) over (partition by license_from) as share,
    by_license.visibility_changed
from by_license
left join stored.directions as directions using (license_from, license_to)
order by license_from = license_to, by_license.items desc, license_from, license_to
