"""Every table's columns, types and nullability: the mirror of ``docs/release-format.md``.

Text is UTF-8. ``_at`` is UTC, except ``taken_at``, which is what the camera's clock said. Times are in
milliseconds, because Parquet has no seconds. A column that cannot be null is declared so, and
``conformity.conform`` refuses a null in it: unknown values are values, never nulls read as "fine".
"""

from __future__ import annotations

import pyarrow as pa

from transforms.domain.reasons import OPT_OUTS as OPTED_OUT_BY

_text = pa.string()
_texts = pa.list_(pa.field("element", pa.string(), nullable=False))


def _column(name: str, kind: pa.DataType, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable)


def _key(name: str, kind: pa.DataType = _text) -> pa.Field:
    return _column(name, kind, nullable=False)


MANIFEST = pa.schema(
    [
        _key("source"),  # the platform that gave the item its id: `flickr`
        _key("item_id"),
        _column("owner_id", _text),  # Flickr: the NSID
        _column("owner_name", _text),
        _key("license"),  # canonical id, or `unknown`
        _column("license_raw", _text),  # as the file wrote it
        _key("media_type"),  # photo | video | unknown
        _column("title", _text),
        _column("description", _text),
        _column("tags", _texts),
        _column("machine_tags", _texts),
        _column("taken_at", pa.timestamp("ms")),
        _column("uploaded_at", pa.timestamp("ms")),
        _column("capture_device", _text),
        _column("longitude", pa.float64()),
        _column("latitude", pa.float64()),
        _column("accuracy", pa.int8()),  # Flickr: 1 (world) to 16 (street)
        _column("page_url", _text),
        _column("image_url", _text),
        _column("width", pa.int32()),
        _column("height", pa.int32()),
        _column("content_md5", _text),  # hex, lower case
        _column("content_sha256", _text),
        _column("person_present", pa.bool_()),  # null: the manifest does not say
    ]
)

# Rows that could not be read. `offset_bytes` and `line` count from the start of the split, `line` from 0:
# the snapshot says where in which file the split begins, so that the same bytes give the same blob
# wherever the file lies.
QUARANTINE = pa.schema(
    [
        _key("offset_bytes", pa.int64()),
        _key("line", pa.int64()),
        _key("reason"),
        _key("detail"),
        _key("raw", pa.binary()),  # the first MiB of it
        _key("raw_bytes", pa.int64()),  # its whole length
    ]
)

LICENSES = pa.schema(
    [
        _key("source"),
        _key("item_id"),
        _column("owner_id", _text),
        _key("license"),
        _column("license_raw", _text),
        _key("visibility"),  # public | private | deleted | unknown
        # Null in a store: on the day of the snapshot. So a bucket about which two snapshots say the same is
        # one blob, and the later one costs nothing.
        _column("observed_on", pa.date32()),
    ]
)

# The opt-out ledger is all entries of all lists. Nothing is taken out of it: what becomes of a request is
# a later entry. Private: no release holds a row of it.
OPT_OUTS = pa.schema(
    [
        _key("request"),  # id of the request: the list's own, or made of what it says
        _key("kind"),  # item | owner | alias | name | url | host | content | tag
        _column("source", _text),  # of an item, owner, alias or name; else null
        _key("key"),  # normalized: see `targets.parse_targets`
        _key("raw"),  # as the list wrote it
        _key("purposes", pa.uint16()),  # bit set of `purposes.PURPOSES`; `purposes.ALL` is every one
        _key("state"),  # active | held | withdrawn: what this entry makes of the request
        _column("held_for", _text),  # why it waits for a person
        _column("requested_on", pa.date32()),
        _key("received_on", pa.date32()),
        _key("effective_on", pa.date32()),  # from this day on
        _column("expires_on", pa.date32()),  # no longer on this day
        _column("origin", _text),  # through whom it came: a registry, a form
        _column("evidence", _text),
        _column("requester", _text),  # keyed hash: see `requesters`
    ]
)

CONSENTS = pa.schema(
    [
        _key("kind"),  # item | owner: what is granted
        _key("source"),
        _key("key"),
        _key("raw"),
        _key("given_by"),  # owner | depicted
        _column("person", _text),  # keyed hash of a depicted person; null: the list does not tell them apart
        _key("says"),  # grant | refuse | revoke
        _key("purposes", pa.uint16()),
        _key("received_on", pa.date32()),
        _key("effective_on", pa.date32()),
        _column("expires_on", pa.date32()),
        _column("origin", _text),
        _column("evidence", _text),
    ]
)

# Who is who: an opt-out of the name on the left is one of the owner on the right.
ALIASES = pa.schema(
    [
        _key("source"),
        _key("kind"),  # alias | name | owner: of `key`; `owner` is an id that the owner had before
        _key("key"),
        _key("owner_id"),
        _column("seen_on", pa.date32()),
    ]
)

# What stands on a day of all that was asked and granted: one row for each target, free of whose
# requests they are and of the day that is asked about.
LEAVE = pa.schema(
    [
        _key("kind"),  # as of OPT_OUTS
        _column("source", _text),
        _key("key"),
        _key("no", pa.uint16()),  # purposes opted out of, with all narrower ones
        # What the owner said last, purpose by purpose: see `words`; null if they said nothing. Of words on an
        # item and on all that its owner has the later ones count: only a row shows what its owner grants.
        _column("owner_said", pa.list_(pa.field("element", pa.int32(), nullable=False))),
        _key(
            "granted_by_depicted", pa.uint16()
        ),  # by every depicted person who said anything, with the broader
        _key("refused", pa.uint16()),  # by an owner or a depicted person, with all narrower ones
    ]
)

# Which rows of a manifest bucket are met by targets that do not say where they live.
MET = pa.schema(
    [
        _key("kind"),  # url | host | content | tag | alias | name | item | owner
        _key("key"),
        _column("row", pa.int32()),  # place in the bucket; null for alias and name, which mean an owner
        _column("source", _text),  # of that owner; flickr: of what a row of others shows
        _column("owner_id", _text),
    ]
)

# What a machine-readable source says: a rule for a host's paths, a URL or an item, on a day.
SIGNALS = pa.schema(
    [
        _key("kind"),  # host | url | item
        _column("source", _text),  # of an item; else null
        _key("key"),
        _column(
            "authority", _text
        ),  # who answered, as `https://example.org:8443`; null where that is not told
        _column("path", _text),  # of a host: the pattern of paths it speaks of, from `/`; null for others
        _key("mechanism"),  # see `signals.MECHANISMS`
        _key("no", pa.uint16()),  # purposes, as stated: not spread
        _key("yes", pa.uint16()),
        _key("fact"),  # ok | malformed | unreadable | unavailable
        _column("vocabulary", _text),  # by whose words it was read, such as `aipref-01`
        _key("observed_on", pa.date32()),
        _column("evidence", _text),
    ]
)

# What stands of all signals, free of days and evidence: what a release asks.
STANDING_SIGNALS = pa.schema(
    [
        *(
            SIGNALS.field(name)
            for name in ("kind", "source", "key", "authority", "path", "mechanism", "no", "yes", "fact")
        ),
        _key("stale", pa.bool_()),  # the source could not be got since: its answer is of an earlier day
    ]
)

# Whether people are in an item, as a detector or a person saw it.
DETECTIONS = pa.schema(
    [
        _key("source"),
        _key("item_id"),
        _column("owner_id", _text),
        _key("person_present", pa.bool_()),
        _column("detector", _text),
        _column("observed_on", pa.date32()),  # null in a store: on the day of the snapshot, as of LICENSES
    ]
)

# What signals come to for an item: rows of a bucket of which any source says anything.
SIGNALED = pa.schema(
    [
        _key("row", pa.int32()),
        _key("no", pa.uint16()),  # with all narrower ones
        _key("yes", pa.uint16()),
        _key("unreadable", pa.bool_()),  # a source was got and could not be understood at all
        _key("stale", pa.bool_()),  # a source could not be got: its answer is of an earlier day
    ]
)

# What is known of each item's license, row by row true in a rectangle of two times: from `valid_from` until
# before `valid_to` it held, as was known from `known_from` until before `known_to`; null is: until further
# notice. On any two days at most one row of an item holds. In the order of the manifest bucket.
LEDGER = pa.schema(
    [
        _key("source"),
        _key("item_id"),
        _column("owner_id", _text),  # the manifest's, as `upload_year` and `media_type`
        _key("license"),  # canonical id; `unknown` while the item is missing
        _key("visibility"),  # public | private | deleted | unknown | missing
        _key("observer"),  # who said it first
        _key("valid_from", pa.date32()),  # the day that a source states, or on which it was first seen so
        _column("valid_to", pa.date32()),
        _key("known_from", pa.date32()),
        _column("known_to", pa.date32()),
        _column("upload_year", pa.int16()),
        _key("media_type"),
        _key("row", pa.int32()),  # place of the item in its manifest bucket, from 0
    ]
)

# One entry per item of a manifest, sharded by item: where the item lives.
INDEX = pa.schema([_key("source"), _key("item_id"), _key("home", pa.uint64())])

# Row for row in the manifest bucket's order, and free of policy.
FACTS = pa.schema(
    [
        _key("license_then"),  # at ingest
        _key("license_now"),  # newest observation, the ingest included
        _key("direction"),  # of the change from then to now
        _key("visibility"),
        _key("observed", pa.bool_()),  # whether any license snapshot saw the item
        # Sets of purposes, bits as in `purposes.PURPOSES`. What a no or a yes spreads to is in them.
        *(_key(f"no_{kind}", pa.uint16()) for kind in OPTED_OUT_BY),  # by an opt-out of this kind
        _key("granted_by_owner", pa.uint16()),
        _key("granted_by_depicted", pa.uint16()),
        _key("refused", pa.uint16()),  # by the owner or a depicted person
        _key("signal_no", pa.uint16()),
        _key("signal_yes", pa.uint16()),
        _key("signal_unreadable", pa.bool_()),
        _key("signal_stale", pa.bool_()),
        _key("people"),  # present | absent | unknown
        _column("owner", pa.uint64()),  # hash of the owner, to count them; null: it has none
        _column("upload_year", pa.int16()),
        _key("media_type"),
    ]
)

# A kept row: the manifest's columns, `license` being the one that decided, and both licenses behind it.
ITEMS = pa.schema([*MANIFEST, _key("license_then"), _key("license_now")])

EXCLUDED = pa.schema(
    [
        _key("source"),
        _key("item_id"),
        _column("owner_id", _text),
        _key("first_reason"),
        _key("reasons", pa.uint32()),  # bit set, see `reasons.REASONS`
    ]
)

# Aggregates of one bucket. An owner lives in one bucket, so that owners add up across buckets.
TALLIES = pa.schema(
    [
        _key("license_then"),
        _key("license_now"),
        _key("direction"),
        _column("upload_year", pa.int16()),
        _key("media_type"),
        _key("verdict"),  # kept | excluded
        _column("first_reason", _text),  # null where kept
        _key("items", pa.int64()),
        _key("owners", pa.int64()),  # distinct; items without an owner count none
    ]
)

EXCLUSIONS = pa.schema(
    [
        _key("reason"),
        _key("items", pa.int64()),  # that have this reason, among others or alone
        _key("owners", pa.int64()),
        _key("first_items", pa.int64()),  # for which it is the first reason
    ]
)

# What tallies and exclusions are made of where a bucket is divided, since an owner may have items in several
# of its sub-buckets. It names owners, and is no part of a release.
TALLIES_BY_OWNER = pa.schema(
    [
        *(field for field in TALLIES if field.name not in ("verdict", "first_reason", "items", "owners")),
        _key("reasons", pa.uint32()),  # 0 where kept
        _key("source"),
        _column("owner_id", _text),
        _key("items", pa.int64()),
    ]
)

# Columns whose values repeat within a bucket: written as Parquet dictionaries, the others plain. Where
# nearly every value differs, building a dictionary costs time and saves nothing.
REPEATING = frozenset(
    {
        "source", "owner_id", "owner_name", "license", "license_raw", "license_then", "license_now",
        "media_type", "capture_device", "direction", "visibility", "observed_on", "observed",
        "upload_year", "accuracy", "width", "height", "tags.list.element", "machine_tags.list.element",
        "first_reason", "reasons", "verdict", "reason", "detail", "kind", "received_on", "observer",
        "valid_from", "valid_to", "known_from", "known_to", "person_present", "purposes", "state", "held_for",
        "requested_on", "effective_on", "expires_on", "origin", "requester", "given_by", "says", "no", "yes",
        "granted_by_owner", "granted_by_depicted", "refused", "authority", "path", "mechanism", "fact",
        "vocabulary", "detector", "unreadable", "stale", "signal_no", "signal_yes", "signal_unreadable",
        "signal_stale", "people", "owner", *(f"no_{kind}" for kind in OPTED_OUT_BY),
    }
)  # fmt: skip
