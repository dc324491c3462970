-- What machine-readable sources said, of all days: robots.txt, ai.txt, tdmrep.json, headers, credentials, registries.
-- grain: list, kind, source, key, authority, path, mechanism, no_to, yes_to, fact, vocabulary, observed_on, evidence
-- columns:
--   list VARCHAR            snapshot of signals
--   kind VARCHAR            host, url or item: what is spoken of
--   source VARCHAR          platform of an item; null for host and url
--   key VARCHAR             host name, URL as opt-outs have it, or item id
--   authority VARCHAR       who answered, as https://example.org:8443; null where it is not told
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
    signals.authority,
    signals.path,
    signals.mechanism,
    list_transform(
        -- A purpose's bit is its place, counted from 0.
        list_filter(known.purposes, lambda each: ((signals.no >> each.place) & 1) = 1), -- noqa
        lambda each: each.purpose -- noqa
    ) as no_to,
    list_transform(
        -- A purpose's bit is its place, counted from 0.
        list_filter(known.purposes, lambda each: ((signals.yes >> each.place) & 1) = 1), -- noqa
        lambda each: each.purpose -- noqa
    ) as yes_to,
    signals.fact,
    signals.vocabulary,
    signals.observed_on,
    signals.evidence
from stored.signals
inner join stored.places on signals.blob_path = places.path
cross join (
    select coalesce(list(struct_pack(place := place, purpose := purpose) order by place), []) as purposes
    from stored.purposes
) as known
where places.kind = 'signals'
