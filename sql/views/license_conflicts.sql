-- Items of which two observers say different things on one day, with what each of them says.
-- grain: source, item_id, observed_on, observer, license, visibility
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   observed_on DATE
--   observer VARCHAR
--   license VARCHAR         canonical id, or unknown
--   visibility VARCHAR      public, private, deleted or unknown
--   known_on DATE           the first day on which it was known
with seen as not materialized (
    select
        licenses.source,
        licenses.item_id,
        licenses.license,
        licenses.visibility,
        coalesce(licenses.observed_on, places.date) as observed_on,
        places.observer,
        places.date as known_on
    from stored.licenses
    inner join stored.places on licenses.path = places.path
    where places.kind = 'licenses'
),

-- Few days have more than one observer, and mostly none does: then nothing more is read than days.
days as (
    select observed_on
    from seen
    group by observed_on
    having count(distinct observer) > 1
),

said as (
    select
        source,
        item_id,
        observed_on,
        observer,
        license,
        visibility,
        min(known_on) as known_on
    from seen
    where observed_on in (select days.observed_on from days)
    group by source, item_id, observed_on, observer, license, visibility
)

select
    said.source,
    said.item_id,
    said.observed_on,
    said.observer,
    said.license,
    said.visibility,
    said.known_on
from said
where exists (
    select 1
    from said as other
    where
        other.source = said.source
        and other.item_id = said.item_id
        and other.observed_on = said.observed_on
        and other.observer <> said.observer
        and (other.license <> said.license or other.visibility <> said.visibility)
)
