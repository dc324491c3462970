-- The opt-out ledger: every entry of every list.
-- grain: list, kind, source, key
-- columns:
--   list VARCHAR
--   kind VARCHAR            item, owner, url or tag
--   source VARCHAR          platform of an item or owner; null for url and tag
--   key VARCHAR             normalized: item id, owner id, URL, tag
--   raw VARCHAR             as the list wrote it
--   received_on DATE
select
    places.snapshot as list,
    opt_outs.kind,
    opt_outs.source,
    opt_outs.key,
    opt_outs.raw,
    opt_outs.received_on
from stored.opt_outs
inner join stored.places on opt_outs.path = places.path
where places.kind = 'opt-outs'
