-- Who is who: an opt-out of a name, or of a former id, is one of the owner.
-- grain: list, source, kind, key, owner_id, seen_on
-- columns:
--   list VARCHAR
--   source VARCHAR
--   kind VARCHAR            alias, name, or owner: an id that the owner had before
--   key VARCHAR             normalized as in opt_outs
--   owner_id VARCHAR
--   seen_on DATE
select
    places.snapshot as list,
    aliases.source,
    aliases.kind,
    aliases.key,
    aliases.owner_id,
    aliases.seen_on
from stored.aliases
inner join stored.places on aliases.path = places.path
where places.kind = 'aliases'
