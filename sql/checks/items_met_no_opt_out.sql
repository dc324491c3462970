-- No item of the release is named by an opt-out that was in when it was cut.
-- Compares by rules of its own, written out here: neither facts nor the gate are trusted.
-- grain: source, item_id, kind, key
-- reads: items, opt_outs, inputs
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   kind VARCHAR            of the opt-out
--   key VARCHAR             that it names
with asked as (
    select
        opt_outs.kind,
        opt_outs.source,
        opt_outs.key
    from opt_outs
    inner join inputs on inputs.kind = 'opt-outs' and opt_outs.list = inputs.snapshot
    union
    -- A tag that says it by itself.
    select
        'tag' as kind,
        null as source,
        'nocv' as key
),

urls as (
    select
        source,
        item_id,
        unnest([page_url, image_url, owner_id]) as url
    from items
),

bare_urls as (
    select
        source,
        item_id,
        replace(
            rtrim(regexp_replace(regexp_replace(url, '#.*', '', 's'), '^((https?:)?//)+', '', 'i'), '/'),
            '%40', '@'
        ) as url
    from urls
),

tags as (
    select
        source,
        item_id,
        unnest(list_concat(tags, machine_tags)) as tag
    from items
)

select
    items.source,
    items.item_id,
    asked.kind,
    asked.key
from items
inner join asked on asked.kind = 'item' and items.source = asked.source and items.item_id = asked.key
union
select
    items.source,
    items.item_id,
    asked.kind,
    asked.key
from items
inner join asked on asked.kind = 'owner' and items.source = asked.source and items.owner_id = asked.key
union
select
    bare_urls.source,
    bare_urls.item_id,
    asked.kind,
    asked.key
from bare_urls
inner join asked
    on
        asked.kind = 'url'
        and lower(regexp_extract(bare_urls.url, '^[^/?]*')) || regexp_replace(bare_urls.url, '^[^/?]*', '') = asked.key
union
select
    tags.source,
    tags.item_id,
    asked.kind,
    asked.key
from tags
inner join asked
    on
        asked.kind = 'tag'
        and nfc_normalize(replace(replace(replace(lower(tags.tag), ' ', ''), '_', ''), '-', ''))
        = nfc_normalize(asked.key)
order by all
