-- Each change of an item's license or visibility, with the day from which the new state holds.
-- Rows that a change ended meet those that it began: what never changed is not looked at.
-- grain: source, item_id, changed_on
-- reads: license_ledger
-- parameters:
--   from_date DATE          changes after this day
--   to_date DATE            and until this day
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   owner_id VARCHAR        null: unknown
--   changed_on DATE
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

ended as not materialized (
    select
        *,
        valid_to as changed_on
    from known
    where valid_to > from_date::date and valid_to <= to_date::date
),

-- Leaves out the day on which nearly all items were first seen, before rows are joined.
begun as not materialized (
    select
        *,
        valid_from as changed_on
    from known
    where
        valid_from > from_date::date and valid_from <= to_date::date
        and valid_from in (select ended.changed_on from ended)
)

select
    source,
    item_id,
    ended.owner_id,
    changed_on,
    ended.license as license_from,
    begun.license as license_to,
    ended.visibility as visibility_from,
    begun.visibility as visibility_to,
    ended.upload_year,
    ended.media_type
from ended
inner join begun using (source, item_id, changed_on)
where ended.license <> begun.license or ended.visibility <> begun.visibility
