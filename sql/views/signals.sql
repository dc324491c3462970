-- What machine-readable sources said, of all days: robots.txt, ai.txt, tdmrep.json, headers, credentials, registries.
-- grain: list, kind, source, key, path, mechanism, and what was said
-- columns:
--   list VARCHAR            snapshot of signals
--   kind VARCHAR            host, url or item: what is spoken of
--   source VARCHAR          platform of an item; null for host and url
--   key VARCHAR             host name, URL as opt-outs have it, or item id
--   path VARCHAR            of a host: the pattern of paths that is spoken of; null for others
--   mechanism VARCHAR       such as x-robots-tag or tdmrep-file
--   no_to VARCHAR[]         purposes, as stated: what is narrower is forbidden with them
--   yes_to VARCHAR[]        purposes, as stated
--   fact VARCHAR            ok, malformed, unreadable or unavailable
--   vocabulary VARCHAR      by whose words it was read
--   observed_on DATE
--   evidence VARCHAR        what was read, or why nothing was
select
    places.snapshot as list,
    signals.kind,
    signals.source,
    signals.key,
    signals.path,
    signals.mechanism,
    (
        select coalesce(list(purposes.purpose order by purposes.place), [])
        from stored.purposes
        where (signals.no >> purposes.place) & 1 = 1
    ) as no_to,
    (
        select coalesce(list(purposes.purpose order by purposes.place), [])
        from stored.purposes
        where (signals.yes >> purposes.place) & 1 = 1
    ) as yes_to,
    signals.fact,
    signals.vocabulary,
    signals.observed_on,
    signals.evidence
from stored.signals
inner join stored.places on signals.blob_path = places.path
where places.kind = 'signals'
