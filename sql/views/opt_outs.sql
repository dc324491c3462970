-- The ledger of opt-outs: every entry of every list. What is in force on a day tells opt_outs_as_of(on_date).
-- grain: list, request, kind, source, key, purposes, state, requested_on, effective_on, expires_on, origin, requester
-- columns:
--   list VARCHAR
--   request VARCHAR         id of the request
--   kind VARCHAR            item, owner, alias, name, url, host, content or tag
--   source VARCHAR          platform of an item, owner, alias or name; null for others
--   key VARCHAR             normalized: item id, owner id, alias, name, URL, host, md5: or sha256: and digits, tag
--   raw VARCHAR             as the list wrote it
--   purposes VARCHAR[]      as stated: what is narrower is covered too
--   state VARCHAR           active, held or withdrawn: what this entry makes of the request
--   held_for VARCHAR        why it waits for a person; null where it does not
--   requested_on DATE
--   received_on DATE
--   effective_on DATE       from this day on
--   expires_on DATE         no longer on this day; null: it does not expire
--   origin VARCHAR          through whom it came
--   evidence VARCHAR
--   requester VARCHAR       keyed hash of who asked
--   known_on DATE           the list's day: later than received_on for bytes that only a later manifest told
select
    places.snapshot as list,
    opt_outs.request,
    opt_outs.kind,
    opt_outs.source,
    opt_outs.key,
    opt_outs.raw,
    list_transform(
        -- A purpose's bit is its place, counted from 0.
        list_filter(known.purposes, lambda each: ((opt_outs.purposes >> each.place) & 1) = 1), -- noqa
        lambda each: each.purpose -- noqa
    ) as purposes,
    opt_outs.state,
    opt_outs.held_for,
    opt_outs.requested_on,
    opt_outs.received_on,
    opt_outs.effective_on,
    opt_outs.expires_on,
    opt_outs.origin,
    opt_outs.evidence,
    opt_outs.requester,
    places.date as known_on
from stored.opt_outs
inner join stored.places on opt_outs.path = places.path
cross join (
    select coalesce(list(struct_pack(place := place, purpose := purpose) order by place), []) as purposes
    from stored.purposes
) as known
where places.kind = 'opt-outs'
