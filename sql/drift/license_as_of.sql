-- What the license of each item was on a day, as it was known on a day.
-- grain: source, item_id
-- reads: license_ledger
-- parameters:
--   valid_on DATE           the day that is asked about
--   known_on DATE := null   as was known on that day; null: as is known now
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   owner_id VARCHAR        null: the manifest does not say
--   license VARCHAR         canonical id, or unknown
--   visibility VARCHAR      public, private, deleted, unknown or missing
--   observer VARCHAR        who said it first
--   valid_from DATE         since when it held
--   known_from DATE         since when that is known
--   upload_year SMALLINT    null: unknown
--   media_type VARCHAR      photo, video or unknown
select
    source,
    item_id,
    owner_id,
    license,
    visibility,
    observer,
    valid_from,
    known_from,
    upload_year,
    media_type
from license_ledger
where
    valid_from <= valid_on::date
    and (valid_to is null or valid_to > valid_on::date)
    -- Where known_on is null, the comparison is too, and only what is known until further notice is left.
    and (known_to is null or known_to > known_on::date)
    and (known_on::date is null or known_from <= known_on::date)
