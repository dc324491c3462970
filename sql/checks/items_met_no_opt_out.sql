-- No item of the release is named by an opt-out that stood against its purpose on its day.
-- Compares by rules of its own, written out here: neither facts nor the gate are trusted. SQL lacks two of
-- Unicode's normal forms, and names of hosts beyond ASCII: a name or host that only those make the same passes.
-- Of Flickr's addresses in rows of other platforms it reads pages, images and short links.
-- grain: source, item_id, kind, key
-- reads: items, opt_outs, aliases, purposes, inputs, releases
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   kind VARCHAR            of the opt-out
--   key VARCHAR             that it names
with recursive spoken_of as (
    -- The release's purpose and all broader ones: a no to any of them is one to it.
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

speaking as (
    select
        opt_outs.*,
        release.as_of
    from opt_outs
    inner join inputs on inputs.kind = 'opt-outs' and opt_outs.list = inputs.snapshot
    cross join (
        select
            as_of,
            list(purpose) as spoken_of
        from spoken_of
        group by as_of
    ) as release
    where
        list_has_any(opt_outs.purposes, release.spoken_of)
        and opt_outs.received_on <= release.as_of
        and opt_outs.effective_on <= release.as_of
),

standing as (
    select
        speaking.kind,
        speaking.source,
        speaking.key
    from speaking
    where
        speaking.state = 'active'
        and (speaking.expires_on is null or speaking.expires_on > speaking.as_of)
        and not exists (
            select 1
            from speaking as later
            where
                later.state = 'withdrawn'
                and later.kind = speaking.kind
                and later.key = speaking.key
                and later.source is not distinct from speaking.source
                and later.origin is not distinct from speaking.origin
                and later.requester is not distinct from speaking.requester
                and later.received_on > speaking.received_on
        )
    union
    -- A tag that says it by itself, of all that machines learn from or look at.
    select
        'tag' as kind,
        null as source,
        'nocv' as key
    from spoken_of
    where purpose = 'computer-vision'
),

known_names as (
    select aliases.*
    from aliases
    inner join inputs on inputs.kind = 'aliases' and aliases.list = inputs.snapshot
),

-- Who is known by a name that opted out, or by an id that somebody who did has today.
asked as (
    select
        standing.kind,
        standing.source,
        standing.key
    from standing
    union
    select
        'owner' as kind,
        known_names.source,
        known_names.owner_id as key
    from asked
    inner join known_names
        on
            asked.kind = known_names.kind
            and asked.source = known_names.source
            and asked.key = known_names.key
),

written as (
    select
        source,
        item_id,
        rtrim(
            regexp_replace(
                regexp_replace(
                    regexp_replace(trim(url, e' \t\n\f\r'), '\s*#.*', '', 's'), '^((https?:)?//)+', '', 'i'
                ),
                '^([^/:?]*):(80|443)?([/?]|$)', '\1\3'
            ), '/'
        ) as url,
        name
    from (
        select
            source,
            item_id,
            unnest([page_url, image_url, owner_id]) as url,
            unnest(['page_url', 'image_url', 'owner_id']) as name
        from items
    ) as columns_of_items
),

-- RFC 3986, 6.2.2: what needs no escape stands for itself, and what needs one has it, in capitals. Several slashes
-- that Flickr takes for one stay several: an item that only these keep apart passes.
addresses as (
    select
        written.* replace (
            case
                when regexp_matches(url, '[^A-Za-z0-9._~:/?@!$&''()*+,;=-]')
                    then array_to_string(
                        list_transform(
                            regexp_extract_all(url, '%[0-9A-Fa-f][0-9A-Fa-f]|.', 0, 's'),
                            lambda one: case -- noqa
                                when regexp_matches(one, '^[:/?!$&''()*+,;=]$') then one
                                when regexp_matches(try(url_decode(one)), '^[A-Za-z0-9._~@-]$') then url_decode(one)
                                when one like '%__' then upper(one)
                                else url_encode(one)
                            end
                        ), ''
                    )
                else url
            end as url
        )
    from written
),

hosts as (
    select
        source,
        item_id,
        string_split(
            rtrim(regexp_replace(regexp_extract(lower(url), '^([^/?]*@)?([^/?]*)', 2), ':[0-9]*$', ''), '.'), '.'
        ) as labels
    from addresses
    where name <> 'owner_id' and url is not null
),

-- Where rows of other platforms may show what is Flickr's.
shown as (
    select
        source,
        item_id,
        name,
        lower(regexp_extract(url, '^([^/?]*@)?([^/?]*)', 2)) || regexp_replace(url, '^[^/?]*', '') as url
    from addresses
    where source <> 'flickr' and url is not null
),

-- A short link is the number of the photo in base 58.
short_links as (
    select
        source,
        item_id,
        list_transform(
            string_split(code, ''),
            lambda digit: strpos('23456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ', digit) -- noqa
        ) as digits
    from (
        select
            source,
            item_id,
            regexp_extract(
                url, '^(www\.)?flic\.kr/p/([2-9A-HJ-NP-Za-km-z][1-9A-HJ-NP-Za-km-z]*)([/?&]|$)', 2
            ) as code
        from shown
        where name <> 'owner_id'
    ) as links
    where length(code) between 1 and 10
),

named as (
    select
        source,
        item_id,
        'item' as kind,
        source as platform,
        item_id as key
    from items
    union all
    select
        source,
        item_id,
        'owner' as kind,
        source as platform,
        owner_id as key
    from items
    union all
    select
        source,
        item_id,
        'alias' as kind,
        source as platform,
        lower(
            regexp_extract(
                page_url,
                '^((https?:)?//)*(www\.|m\.|secure\.)?flickr\.com(:[0-9]+)?/+(photos|people|videos)/+([\w-]+)([/?#]|$)',
                6, 'i'
            )
        ) as key
    from items
    union all
    select
        source,
        item_id,
        'alias' as kind,
        source as platform,
        lower(owner_id) as key
    from items
    where not regexp_matches(owner_id, '^[0-9]+@N[0-9]+$')
    union all
    select
        source,
        item_id,
        'name' as kind,
        source as platform,
        nfc_normalize(trim(regexp_replace(lower(owner_name), '\s+', ' ', 'g'))) as key
    from items
    union all
    select
        source,
        item_id,
        'item' as kind,
        'flickr' as platform,
        unnest([
            regexp_extract(
                url, '^((www|m|secure)\.)?flickr\.com/(photos|videos)/[\w@.-]+/([1-9][0-9]*)([/?&]|$)', 4
            ),
            regexp_extract(
                url,
                '^((farm[0-9]+\.)?static\.flickr|(farm[0-9]+|live|c[0-9]+)\.staticflickr)\.com'
                || '/([0-9]+/)([0-9]+/)?([1-9][0-9]*)_[0-9A-Za-z]+([_.?]|$)',
                6
            )
        ]) as key
    from shown
    where name <> 'owner_id' and url not like '%/photos/tags/%'
    union all
    select
        source,
        item_id,
        'item' as kind,
        'flickr' as platform,
        list_reduce(digits, lambda number, digit: number * 58 + digit)::varchar as key -- noqa
    from short_links
    union all
    select
        source,
        item_id,
        unnest(['owner', 'alias']) as kind,
        'flickr' as platform,
        unnest([upper(nullif(owner, '')), lower(nullif(alias, ''))]) as key
    from (
        select
            source,
            item_id,
            regexp_extract(
                url, '^((www|m|secure)\.)?flickr\.com/(photos|people|videos)/([0-9]+@[Nn][0-9][0-9])([/?]|$)', 4
            ) as owner,
            regexp_extract(
                url, '^((www|m|secure)\.)?flickr\.com/(photos|people|videos)/([\w-]+)([/?]|$)', 4
            ) as alias
        from shown
        where name <> 'image_url'
    ) as owners_shown
    union all
    select
        source,
        item_id,
        'url' as kind,
        null as platform,
        lower(regexp_extract(url, '^[^/?]*')) || regexp_replace(url, '^[^/?]*', '') as key
    from addresses
    union all
    -- A host and all those that it lies below.
    select
        source,
        item_id,
        'host' as kind,
        null as platform,
        unnest(
            list_transform(
                range(1, len(labels) + 1),
                lambda first: array_to_string(labels[first:], '.') -- noqa
            )
        ) as key
    from hosts
    union all
    select
        source,
        item_id,
        'content' as kind,
        null as platform,
        unnest(['md5:' || lower(content_md5), 'sha256:' || lower(content_sha256)]) as key
    from items
    union all
    select
        source,
        item_id,
        'tag' as kind,
        null as platform,
        nfc_normalize(replace(replace(replace(lower(tag), ' ', ''), '_', ''), '-', '')) as key
    from (
        select
            source,
            item_id,
            unnest(list_concat(tags, machine_tags)) as tag
        from items
    ) as tags_of_items
)

select distinct
    named.source,
    named.item_id,
    asked.kind,
    asked.key
from named
inner join asked
    on
        named.kind = asked.kind
        and named.key = case when asked.kind in ('tag', 'name') then nfc_normalize(asked.key) else asked.key end
        and (asked.source is null or named.platform = asked.source)
order by all
