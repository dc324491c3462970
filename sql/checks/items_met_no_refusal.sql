-- No item of the release is one of which its owner, or a person depicted, refused the release's purpose last of all.
-- grain: source, item_id, kind
-- reads: items, consents, purposes, inputs, releases
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   kind VARCHAR            of what was refused: item or owner
with recursive spoken_of as (
    -- The release's purpose and all broader ones: a refusal of any of them is one of it.
    select
        releases.purpose,
        releases.as_of
    from releases
    where releases.version in (select inputs.version from inputs)
    union all
    select
        purposes.broader as purpose,
        spoken_of.as_of
    from spoken_of
    inner join purposes on spoken_of.purpose = purposes.purpose
    where purposes.broader is not null
),

statements as (
    select
        said.*,
        -- Of one day the worse one counts.
        row_number() over (
            partition by said.kind, said.source, said.key, said.given_by, said.person, said.purpose
            order by said.received_on desc, said.says = 'refuse' desc, said.says = 'revoke' desc
        ) as from_the_last
    from (
        select
            consents.*,
            unnest(consents.purposes) as purpose
        from consents
        inner join inputs on inputs.kind = 'consents' and consents.list = inputs.snapshot
    ) as said
    inner join spoken_of
        on
            said.purpose = spoken_of.purpose
            and said.received_on <= spoken_of.as_of
            and said.effective_on <= spoken_of.as_of
),

refused as (
    select distinct
        kind,
        source,
        key
    from statements
    where from_the_last = 1 and says = 'refuse'
)

select
    items.source,
    items.item_id,
    refused.kind
from items
inner join refused
    on
        items.source = refused.source
        and refused.key = case when refused.kind = 'item' then items.item_id else items.owner_id end
order by all
