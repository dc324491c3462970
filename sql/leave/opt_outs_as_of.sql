-- What became of each request to opt out by a day, of the lists that a release of that day would count.
-- grain: request, kind, source, key, origin, requester
-- reads: opt_outs, purposes
-- parameters:
--   on_date DATE            the day that is asked about
-- columns:
--   request VARCHAR
--   kind VARCHAR            item, owner, alias, name, url, host, content or tag
--   source VARCHAR          platform of an item, owner, alias or name; null for others
--   key VARCHAR
--   origin VARCHAR
--   requester VARCHAR
--   state VARCHAR           active, received (not in effect yet), held, expired, refused or withdrawn
--   purposes VARCHAR[]      that are opted out of that day, narrower ones included; empty unless active
--   received_on DATE        the first of its entries
--   changed_on DATE         the last of them, without those that withdraw
with recursive spreads as (
    select
        purpose,
        purpose as narrower
    from purposes
    union
    select
        spreads.purpose,
        purposes.purpose as narrower
    from spreads
    inner join purposes on spreads.narrower = purposes.broader
),

known as (
    select * from opt_outs
    where known_on <= on_date::date
),

-- Which purposes each set speaks to: there are few sets.
speaking as (
    select
        stated.purposes,
        list(distinct spreads.narrower) as speaks_to
    from (
        select
            purposes,
            unnest(purposes) as purpose
        from (select distinct purposes from known) as each_set
    ) as stated
    inner join spreads on stated.purpose = spreads.purpose
    group by stated.purposes
),

-- By whom it came and for each purpose, the last day on which it was withdrawn.
withdrawals as (
    select
        kind,
        source,
        key,
        origin,
        requester,
        map_from_entries(list(struct_pack(purpose := purpose, withdrawn_on := withdrawn_on))) as withdrawn
    from (
        select
            known.kind,
            known.source,
            known.key,
            known.origin,
            known.requester,
            spreads.narrower as purpose,
            max(known.received_on) as withdrawn_on
        from (
            select
                *,
                unnest(purposes) as purpose
            from known
            where state = 'withdrawn' and effective_on <= on_date::date
        ) as known
        inner join spreads on known.purpose = spreads.purpose
        group by all
    ) as each_purpose
    group by all
),

-- What a person refused, of all that was held by then.
refusals as (
    select
        request,
        kind,
        source,
        key,
        max(received_on) as refused_on
    from known
    where state = 'withdrawn' and origin = 'refusal'
    group by all
),

entries as (
    select
        known.request,
        known.kind,
        known.source,
        known.key,
        known.origin,
        known.requester,
        known.received_on,
        known.state,
        known.effective_on,
        known.expires_on,
        refusals.refused_on,
        list_filter(
            speaking.speaks_to,
            lambda each: coalesce(withdrawals.withdrawn[each] <= known.received_on, true) -- noqa
        ) as purposes_left
    from known
    inner join speaking on known.purposes = speaking.purposes
    left join withdrawals
        on
            known.kind = withdrawals.kind
            and known.key = withdrawals.key
            and known.source is not distinct from withdrawals.source
            and known.origin is not distinct from withdrawals.origin
            and known.requester is not distinct from withdrawals.requester
    left join refusals
        on
            known.request = refusals.request
            and known.kind = refusals.kind
            and known.key = refusals.key
            and known.source is not distinct from refusals.source
    where known.state <> 'withdrawn'
),

states as (
    select
        *,
        case
            when purposes_left = [] then 'withdrawn'
            when state = 'held' and refused_on >= received_on then 'refused'
            when state = 'held' then 'held'
            when expires_on <= on_date::date then 'expired'
            when effective_on > on_date::date then 'received'
            else 'active'
        end as stands
    from entries
)

select
    request,
    kind,
    source,
    key,
    origin,
    requester,
    case
        when bool_or(stands = 'active') then 'active'
        when bool_or(stands = 'received') then 'received'
        -- What was held and then approved is held no longer, whatever became of it since.
        when
            bool_or(stands = 'held')
            and coalesce(
                max(received_on) filter (where stands = 'held') > max(received_on) filter (where state = 'active'), true
            ) then 'held'
        when bool_or(stands = 'expired') then 'expired'
        when bool_or(stands = 'refused') then 'refused'
        else 'withdrawn'
    end as state,
    coalesce(list_sort(list_distinct(flatten(list(purposes_left) filter (where stands = 'active')))), []) as purposes,
    min(received_on) as received_on,
    max(received_on) as changed_on
from states
group by request, kind, source, key, origin, requester
