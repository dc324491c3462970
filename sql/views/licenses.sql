-- Every row of every license snapshot: what was seen, repeats included. `license_ledger` is what it comes to.
-- grain: snapshot, source, item_id, observed_on
-- columns:
--   snapshot VARCHAR
--   source VARCHAR
--   item_id VARCHAR
--   owner_id VARCHAR        null: the row names no owner
--   license VARCHAR         canonical id, or unknown
--   license_raw VARCHAR     as the file wrote it
--   visibility VARCHAR      public, private, deleted or unknown
--   observed_on DATE        the day that the row states, or else the snapshot's
--   observer VARCHAR        who looked
--   known_on DATE           the snapshot's day
select
    places.snapshot,
    licenses.source,
    licenses.item_id,
    licenses.owner_id,
    licenses.license,
    licenses.license_raw,
    licenses.visibility,
    coalesce(licenses.observed_on, places.date) as observed_on,
    places.observer,
    places.date as known_on
from stored.licenses
inner join stored.places on licenses.path = places.path
where places.kind = 'licenses'
