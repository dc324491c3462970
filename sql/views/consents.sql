-- What owners and depicted persons granted, refused and revoked: every entry of every list.
-- grain: list, kind, source, key, given_by, person, says, purposes, effective_on, expires_on, raw, origin, evidence
-- columns:
--   list VARCHAR
--   kind VARCHAR            item or owner: what is spoken of
--   source VARCHAR
--   key VARCHAR             item id or owner id
--   raw VARCHAR             as the list wrote it
--   given_by VARCHAR        owner or depicted
--   person VARCHAR          keyed hash of a depicted person; null: an owner, or persons are not told apart
--   says VARCHAR            grant, refuse or revoke
--   purposes VARCHAR[]      as stated
--   received_on DATE
--   effective_on DATE       from this day on
--   expires_on DATE         no longer on this day; null: it does not expire
--   origin VARCHAR
--   evidence VARCHAR
select
    places.snapshot as list,
    consents.kind,
    consents.source,
    consents.key,
    consents.raw,
    consents.given_by,
    consents.person,
    consents.says,
    list_transform(
        list_filter(known.purposes, lambda each: ((consents.purposes >> each.place) & 1) = 1), -- noqa
        lambda each: each.purpose -- noqa
    ) as purposes,
    consents.received_on,
    consents.effective_on,
    consents.expires_on,
    consents.origin,
    consents.evidence
from stored.consents
inner join stored.places on consents.path = places.path
cross join (
    select coalesce(list(struct_pack(place := place, purpose := purpose) order by place), []) as purposes
    from stored.purposes
) as known
where places.kind = 'consents'
