-- What is known of the licenses of the newest manifest's items, in two times: when it held, and when it was known.
-- A row covers the days from `_from` until before `_to`. On any two days at most one row of an item does.
-- grain: source, item_id, valid_from, known_from
-- columns:
--   source VARCHAR          platform that gave the item its id: flickr
--   item_id VARCHAR
--   owner_id VARCHAR        the manifest's; null: it does not say
--   license VARCHAR         canonical id; unknown while the item is missing
--   visibility VARCHAR      public, private, deleted, unknown or missing
--   observer VARCHAR        who said it first
--   valid_from DATE         since when it held
--   valid_to DATE           the first day on which it did not; null: it still does
--   known_from DATE         since when that is known
--   known_to DATE           the first day on which something else was; null: it still is
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
    valid_to,
    known_from,
    known_to,
    upload_year,
    media_type
from stored.ledger
