-- Each change of an item's license or visibility after it was first seen, as it is known now.
-- grain: source, item_id, changed_on
-- reads: license_ledger
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   owner_id VARCHAR        null: the manifest does not say
--   changed_on DATE         the day that a source states, or on which it was first seen so
--   known_on DATE           since when it is known that this held from that day
--   license_from VARCHAR
--   license_to VARCHAR
--   visibility_from VARCHAR
--   visibility_to VARCHAR
--   direction VARCHAR       of the change of license; same: only visibility changed
--   observer VARCHAR        who said it first
--   upload_year SMALLINT    null: unknown
--   media_type VARCHAR      photo, video or unknown
with closed as not materialized (
    select *
    from license_ledger
    where known_to is null and valid_to is not null
),

-- What begins a change is known in several rows, if a later change closed it: the first says since when.
changes as (
    select
        closed.source,
        closed.item_id,
        closed.owner_id,
        closed.valid_to as changed_on,
        min(begun.known_from) as known_on,
        closed.license as license_from,
        begun.license as license_to,
        closed.visibility as visibility_from,
        begun.visibility as visibility_to,
        max(begun.observer) filter (where begun.known_to is null) as observer,
        closed.upload_year,
        closed.media_type
    from closed
    inner join license_ledger as begun
        on
            closed.source = begun.source
            and closed.item_id = begun.item_id
            and closed.valid_to = begun.valid_from
    where closed.license <> begun.license or closed.visibility <> begun.visibility
    group by
        closed.source,
        closed.item_id,
        closed.owner_id,
        closed.valid_to,
        closed.license,
        begun.license,
        closed.visibility,
        begun.visibility,
        closed.upload_year,
        closed.media_type
    having count(*) filter (where begun.known_to is null) > 0
)

select
    changes.source,
    changes.item_id,
    changes.owner_id,
    changes.changed_on,
    changes.known_on,
    changes.license_from,
    changes.license_to,
    changes.visibility_from,
    changes.visibility_to,
    coalesce(directions.direction, 'unknown') as direction,
    changes.observer,
    changes.upload_year,
    changes.media_type
from changes
left join stored.directions
    on changes.license_from = directions.license_from and changes.license_to = directions.license_to
