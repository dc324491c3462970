-- Each item of which something is known on both of two dates, with its license and visibility on both.
-- Of the items of which nothing changed one row each is read; joined are only rows that hold on one date alone.
-- grain: source, item_id
-- reads: license_ledger
-- parameters:
--   from_date DATE
--   to_date DATE
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   owner_id VARCHAR        null: unknown
--   license_from VARCHAR
--   license_to VARCHAR
--   visibility_from VARCHAR
--   visibility_to VARCHAR
--   upload_year SMALLINT    null: unknown
--   media_type VARCHAR
with known as not materialized (
    select *
    from license_ledger
    where
        -- Where known_on is null, the comparison is too, and only what is known until further notice is left.
        (known_to is null or known_to > known_on::date)
        and (known_on::date is null or known_from <= known_on::date)
),

-- The days may be given the other way round: rows are picked by the earlier and the later of them.
ended as (
    select
        *,
        from_date::date <= to_date::date as is_forward
    from known
    where
        valid_from <= least(from_date::date, to_date::date)
        and valid_to > least(from_date::date, to_date::date)
        and valid_to <= greatest(from_date::date, to_date::date)
),

begun as (
    select *
    from known
    where
        valid_from > least(from_date::date, to_date::date)
        and valid_from <= greatest(from_date::date, to_date::date)
        and (valid_to is null or valid_to > greatest(from_date::date, to_date::date))
)

select
    source,
    item_id,
    owner_id,
    license as license_from,
    license as license_to,
    visibility as visibility_from,
    visibility as visibility_to,
    upload_year,
    media_type
from known
where
    valid_from <= least(from_date::date, to_date::date)
    and (valid_to is null or valid_to > greatest(from_date::date, to_date::date))
union all
select
    source,
    item_id,
    ended.owner_id,
    if(ended.is_forward, ended.license, begun.license) as license_from,
    if(ended.is_forward, begun.license, ended.license) as license_to,
    if(ended.is_forward, ended.visibility, begun.visibility) as visibility_from,
    if(ended.is_forward, begun.visibility, ended.visibility) as visibility_to,
    ended.upload_year,
    ended.media_type
from ended
inner join begun using (source, item_id)
