-- From which license to which the items went between two days, those that did not change included.
-- Counted are items of which something is known on both days.
-- grain: license_from, license_to, visibility_from, visibility_to, upload_year, media_type
-- reads: license_ledger
-- parameters:
--   from_date DATE
--   to_date DATE
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   license_from VARCHAR
--   license_to VARCHAR
--   direction VARCHAR       of the change of license
--   visibility_from VARCHAR
--   visibility_to VARCHAR
--   upload_year SMALLINT    null: unknown
--   media_type VARCHAR      photo, video or unknown
--   items BIGINT
--   owners BIGINT           distinct within the row; items without an owner count none
-- One row for each owner, counted afterwards, takes two thirds of the time of a distinct count.
with by_owner as (
    select
        license_from,
        license_to,
        visibility_from,
        visibility_to,
        upload_year,
        media_type,
        source,
        owner_id,
        count(*) as items
    from license_pairs(from_date, to_date, known_on := known_on)
    group by
        license_from,
        license_to,
        visibility_from,
        visibility_to,
        upload_year,
        media_type,
        source,
        owner_id
),

cells as (
    select
        license_from,
        license_to,
        visibility_from,
        visibility_to,
        upload_year,
        media_type,
        sum(items)::bigint as items,
        count(owner_id) as owners
    from by_owner
    group by license_from, license_to, visibility_from, visibility_to, upload_year, media_type
)

select
    cells.license_from,
    cells.license_to,
    coalesce(directions.direction, 'unknown') as direction,
    cells.visibility_from,
    cells.visibility_to,
    cells.upload_year,
    cells.media_type,
    cells.items,
    cells.owners
from cells
left join stored.directions
    on cells.license_from = directions.license_from and cells.license_to = directions.license_to
order by all
