-- From which license to which the items went between two days, those that did not change included.
-- Counted are items of which something is known on both days.
-- grain: license_from, license_to, visibility_from, visibility_to, upload_year, media_type
-- parameters:
--   from_date DATE
--   to_date DATE
--   known_on DATE := null   only what was known by that day; null: all that is known
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
with known as not materialized (
    select
        *,
        valid_from <= from_date::date and (valid_to is null or valid_to > from_date::date) as held_then,
        valid_from <= to_date::date and (valid_to is null or valid_to > to_date::date) as holds_now
    from stored.ledger
    where
        (known_on::date is not null or known_to is null)
        and (known_on::date is null or known_from <= known_on::date)
        and (known_on::date is null or known_to is null or known_to > known_on::date)
),

-- Nearly all items have one row for both days: only the others are joined.
items as not materialized (
    select
        source,
        owner_id,
        license as license_from,
        license as license_to,
        visibility as visibility_from,
        visibility as visibility_to,
        upload_year,
        media_type
    from known
    where held_then and holds_now
    union all
    select
        one.source,
        one.owner_id,
        one.license as license_from,
        other.license as license_to,
        one.visibility as visibility_from,
        other.visibility as visibility_to,
        one.upload_year,
        one.media_type
    from known as one
    inner join known as other on one.source = other.source and one.item_id = other.item_id
    where one.held_then and not one.holds_now and other.holds_now and not other.held_then
),

-- One row for each owner, counted afterwards, takes two thirds of the time of a distinct count.
owners as (
    select
        *,
        count(*) as items
    from items
    group by all
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
    from owners
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
