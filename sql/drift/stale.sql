-- Items of the newest manifest that nobody looked at since a day, or ever.
-- grain: source, item_id
-- reads: licenses, manifest
-- parameters:
--   observed_before DATE    whoever was seen on that day or later is not stale
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   owner_id VARCHAR        null: the manifest does not say
--   last_observed_on DATE   null: never
--   observers VARCHAR[]     who looked, at any time; empty: nobody
with recent as (
    select
        source,
        item_id
    from licenses
    where observed_on >= observed_before::date
),

unseen as (
    select
        manifest.source,
        manifest.item_id,
        manifest.owner_id
    from manifest
    where
        not exists (
            select 1
            from recent
            where recent.source = manifest.source and recent.item_id = manifest.item_id
        )
)

select
    unseen.source,
    unseen.item_id,
    unseen.owner_id,
    max(licenses.observed_on) as last_observed_on,
    list_sort(coalesce(list(distinct licenses.observer) filter (where licenses.observer is not null), [])) as observers
from unseen
left join licenses on unseen.source = licenses.source and unseen.item_id = licenses.item_id
group by unseen.source, unseen.item_id, unseen.owner_id
