"""Small worlds in which everything meets: the same few items and owners in every table, and every quirk.

A world is a handful of ids. Manifests, looks and opt-outs drawn from one world collide often: duplicates,
owners shared by sources, items under two owners, items without owner, several looks on one day.
"""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass, field

import numpy as np
import oracle
import pyarrow as pa
from hypothesis import strategies as st
from oracle import ascii_lower

from transforms.domain import purposes
from transforms.domain.policy import Policy
from transforms.domain.reasons import BIT
from transforms.domain.schemas import DETECTIONS, LEAVE, LICENSES, MANIFEST, REPEATING, SIGNALED
from transforms.facts import join_facts
from transforms.ledger import Look, build_ledger, newest
from transforms.match import FLICKRS, match

SOURCES = ("flickr", "commons")
DAYS = tuple(datetime.date(2026, 11, day) for day in (1, 2, 3))
VISIBILITIES = ("public", "private", "deleted", "unknown")
LICENSE_IDS = ("CC-BY-2.0", "CC-BY-4.0", "CC-BY-NC-2.0", "CC0-1.0", "all-rights-reserved", "unknown")

# Valid and odd: as long as words of the hash, one byte off them, prefixes of each other, alike to the eye.
ODD_IDS = (
    *("7", "70", "12345678@N00", "12345678", "123456789", "a", "A", "x" * 39, "x" * 40, "0", "-", '"'),
    *("Łódź", "é", "e\u0301", "相片", "😀", "\uff11\uff12", "null", "%40", "a b"),
)
IDS = st.sampled_from(ODD_IDS) | st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40
)

PAGES = ("https://Photos.Example.org/1/", "http://photos.example.org/2#top", "//photos.example.org/P?q=1")
IMAGES = ("https://img.example.org/1_o.jpg", "https://photos.example.org/2", "img.example.org/%40n/3.jpg")
URL_KEYS = (
    *("photos.example.org/1", "photos.example.org/2", "photos.example.org/P?q=1", "photos.example.org/p?q=1"),
    *("img.example.org/1_o.jpg", "img.example.org/@n/3.jpg"),
)
FLICKR_PAGES = ("https://www.flickr.com/photos/Ann/1/", "http://flickr.com/photos/12345678@N00/2")
FLICKR_IMAGES = (
    *("https://live.staticflickr.com/65535/2_0a1b_b.jpg", "//farm8.static.flickr.com/7001/1_0a1b_o.jpg?zz=1"),
    *("https://flic.kr/p/3", "http://flickr.com/photo.gne?id=1", "http://live.staticflickr.com/65535/"),
)
FLICKR_PEOPLE = ("https://www.flickr.com/people/12345678%40n00/", "flickr.com/photos/ANN")
FLICKR_ITEMS, NSID = ("1", "2"), "12345678@N00"
HOST_KEYS = ("example.org", "photos.example.org", "img.example.org", "hotos.example.org")
CONTENT_KEYS = ("md5:" + "0" * 32, "sha256:" + "f" * 64, "md5:" + "1" * 32)
SAYING_NO = (["no_cv"], ["cat", "No CV"], ["NO-CV"], ["nocv", ""])
TAG_KEYS = ("cat", "noai", "nocvs")


def _when(year, *rest):
    return datetime.datetime(year, 1, 1, *rest)


# Column by column: what most rows hold, then what some do.
VALUES = {
    "owner_name": (None, "", "Ann", "Zoë"),
    "license": LICENSE_IDS,
    "license_raw": (None, "", "CC BY 2.0"),
    "media_type": ("photo", "video", "unknown"),
    "title": (None, "", "=A1", "nul\0nul"),
    "description": (None, "one", "one\ntwo"),
    "tags": (None, [], [""], ["cat"], ["cat", "dog"], ["cat\x1fdog"], ["nocvs"], ["No AI"], *SAYING_NO),
    "machine_tags": (None, [], [""], ["geo:lat=1"], ["a", "b\x1fc"], ["a\x1fb", "c"]),
    "taken_at": (None, _when(1864), _when(4501)),
    "uploaded_at": (_when(2012), _when(2012, 1), _when(2013), None),
    "capture_device": (None, "Box"),
    "longitude": (None, 0.0, -0.0, -180.0),
    "latitude": (None, 0.0, -0.0, 89.5),
    "accuracy": (None, 1, 16),
    "page_url": (None, *PAGES, *FLICKR_PAGES, *FLICKR_PEOPLE, FLICKR_IMAGES[2]),
    "image_url": (None, *IMAGES, *FLICKR_IMAGES),
    "width": (None, 640),
    "height": (None, 480),
    "content_md5": (None, "0" * 32),
    "content_sha256": (None, "0" * 64, "f" * 64),
    "person_present": (None, True, False),
}
TWISTS = [(name, value) for name, values in VALUES.items() for value in values[1:]]
# What decides comes up more often than what merely is carried along.
OFTEN = [twist for twist in TWISTS if twist[0] in ("license", "tags", "page_url", "image_url", "uploaded_at")]


@dataclass(frozen=True)
class World:
    """The ids of which all tables of an example are made."""

    items: tuple[str, ...]
    owners: tuple[str, ...]


def worlds():
    def few(most):
        return st.lists(IDS, min_size=1, max_size=most, unique=True).map(tuple)

    return st.builds(World, items=few(4), owners=few(3))


def manifest_row(source, item_id, owner_id, twists):
    row = dict.fromkeys(MANIFEST.names)
    row.update({name: values[0] for name, values in VALUES.items()})
    return {**row, "source": source, "item_id": item_id, "owner_id": owner_id, **dict(twists)}


def manifests(world, *, max_size=12, unique=False):
    """Rows of a manifest; with ``unique`` one for each item, as a bucket holds them."""
    row = st.builds(
        manifest_row,
        st.sampled_from(SOURCES),
        st.sampled_from(world.items),
        st.sampled_from((*world.owners, None)),
        st.lists(st.sampled_from(OFTEN) | st.sampled_from(TWISTS), max_size=4),
    )
    by = (lambda row: (row["source"], row["item_id"])) if unique else None
    return st.lists(row, max_size=max_size, unique_by=by)


def licenses(world, *, max_size=12, unique=False, days=DAYS):
    """Rows of looks at licenses; with ``unique`` one for each item and day."""
    row = st.fixed_dictionaries(
        {
            "source": st.sampled_from(SOURCES),
            "item_id": st.sampled_from(world.items),
            "owner_id": st.sampled_from((None, *world.owners)),
            "license": st.sampled_from(LICENSE_IDS),
            "license_raw": st.sampled_from((None, "", "0", "CC BY 2.0")),
            "visibility": st.sampled_from(VISIBILITIES),
            "observed_on": st.sampled_from(days),
        }
    )
    by = (lambda row: (row["source"], row["item_id"], row["observed_on"])) if unique else None
    return st.lists(row, max_size=max_size, unique_by=by)


PURPOSE_SETS = st.sampled_from([0, 1 << 2, 1 << 7, purposes.ALL]) | st.integers(0, purposes.ALL)
GRANTS = ("granted_by_depicted", "refused")
NOTHING_SAID = {"owner_said": None, **dict.fromkeys(GRANTS, 0)}
# Few days, so that words of one day meet. Of purposes to come nothing is ever granted.
OWNERS_WORDS = st.none() | st.tuples(
    st.lists(st.sampled_from((-1, 0, 1, 2, 3)), min_size=11, max_size=11), st.sampled_from((-1, 1))
).map(lambda said: [*said[0], *[said[1]] * 5])


def leave(world, *, max_size=5):
    """Rows of what stands, of every kind, each target once; ids of one kind turn up as another's."""

    def named(kind, keys, sources):
        sets = {"no": PURPOSE_SETS}
        if kind in ("item", "owner"):
            sets |= dict.fromkeys(GRANTS, PURPOSE_SETS) | {"owner_said": OWNERS_WORDS}
        return st.builds(
            lambda source, key, said: {
                "kind": kind,
                "source": source,
                "key": key,
                **NOTHING_SAID,
                **said,
            },
            st.sampled_from(sources),
            st.sampled_from(keys),
            st.fixed_dictionaries(sets),
        )

    ids = (*world.items, *world.owners)
    row = (
        named("item", (*ids, *FLICKR_ITEMS), SOURCES)
        | named("owner", (*ids, NSID), SOURCES)
        | named("alias", ("ann", *map(ascii_lower, world.owners)), SOURCES)
        | named("name", ("ann", "zoë"), SOURCES)
        | named("url", URL_KEYS, (None,))
        | named("host", HOST_KEYS, (None,))
        | named("content", CONTENT_KEYS, (None,))
        | named("tag", (*TAG_KEYS, "nocv"), (None,))
    )
    return st.lists(row, max_size=max_size, unique_by=target)


def target(row):
    return row["kind"], row["source"], row["key"]


def opted_out(kind, source, key, no=purposes.ALL):
    return {"kind": kind, "source": source, "key": key, "no": no, **NOTHING_SAID}


def detections(world, *, max_size=4):
    row = st.fixed_dictionaries(
        {
            "source": st.sampled_from(SOURCES),
            "item_id": st.sampled_from(world.items),
            "owner_id": st.none(),
            "person_present": st.booleans(),
            "detector": st.sampled_from((None, "faces-2")),
            "observed_on": st.sampled_from(DAYS),
        }
    )
    return st.lists(row, max_size=max_size)


def signaled(rows):
    """What signals come to for some of so many rows of a bucket, by row."""
    said = st.fixed_dictionaries(
        {"no": PURPOSE_SETS, "yes": PURPOSE_SETS, "unreadable": st.booleans(), "stale": st.booleans()}
    )
    return st.dictionaries(st.integers(0, rows - 1), said, max_size=3) if rows else st.just({})


def policies():
    verdicts = st.sampled_from(("exclude", "keep"))
    return st.builds(
        Policy,
        purpose=st.sampled_from(purposes.PURPOSES),
        allowed=st.sets(st.sampled_from(LICENSE_IDS[:-1])).map(lambda ids: tuple(sorted(ids))),
        license_change=st.sampled_from(("newest", "as_ingested")),
        unknown_license=verdicts,
        private=verdicts,
        deleted=verdicts,
        missing=verdicts,
        unknown_visibility=verdicts,
        unreadable_signal=verdicts,
        unknown_signal=verdicts,
        people_present=st.sampled_from(("exclude", "require-grant", "keep")),
        people_unknown=st.sampled_from(("exclude", "require-grant", "keep")),
        grant=st.sampled_from(("owner", "depicted", "either")),
    )


@dataclass(frozen=True)
class Bucket:
    """What one join reads: a manifest bucket, tables of looks, leave, signals by row, and detections."""

    manifest: list[dict]
    looks: list[list[dict]]
    leave: list[dict]
    signaled: dict[int, dict] = field(default_factory=dict)
    detections: list[dict] = field(default_factory=list)

    @property
    def all_looks(self):
        return [row for look in self.looks for row in look]

    def expected(self):
        """The facts of each row, one at a time."""
        return [
            oracle.facts_one(
                row, self.all_looks, self.leave, self.manifest, self.signaled.get(place), self.detections
            )
            for place, row in enumerate(self.manifest)
        ]

    def facts(self, shape="plain"):
        """The same, as the steps make them."""
        manifest = manifest_table(self.manifest, shape)
        known = now(manifest, [look(rows, shape) for rows in self.looks])
        return join_facts(manifest, known, *self.concerns(manifest, shape))

    def concerns(self, manifest, shape="plain"):
        """What a join takes besides the manifest and the ledger."""
        return (
            *leave_tables(self.leave, manifest, shape),
            table([{"row": row, **said} for row, said in self.signaled.items()], SIGNALED, shape),
            table(self.detections, DETECTIONS, shape),
        )


def leave_tables(rows, manifest, shape="plain"):
    """What stands of items and owners, what stands of others, and which of these the manifest meets.

    Flickr's items and owners are among both: a row of another platform may show them.
    """
    own = [row for row in rows if row["kind"] in FLICKRS]
    wide = [row for row in rows if row not in own or row["source"] == "flickr"]
    named = {(row["kind"], row["key"]) for row in wide}
    kinds, keys = zip(*sorted(named | {("tag", "nocv")}), strict=True)
    met = match(manifest, pa.table({"kind": kinds, "key": keys}))
    return table(own, LEAVE, shape), table(wide, LEAVE, shape), met


@st.composite
def buckets(draw):
    world = draw(worlds())
    manifest = draw(manifests(world, max_size=8, unique=True))
    return Bucket(
        manifest=manifest,
        looks=draw(st.lists(licenses(world, max_size=6, unique=True), max_size=3)),
        leave=draw(leave(world)),
        signaled=draw(signaled(len(manifest))),
        detections=draw(detections(world)),
    )


# --- Rows as Arrow ---------------------------------------------------------------------------------------

SHAPES = ("plain", "sliced", "dictionaries", "sliced dictionaries")


def shapes():
    """The ways in which the same rows may lie in memory."""
    return st.sampled_from(SHAPES)


def table(rows, schema, shape="plain", *, dictionaries=REPEATING):
    """``rows`` in one chunk; sliced means that it begins and ends inside of larger buffers.

    In shapes with dictionaries the columns named by ``dictionaries`` are encoded: those that blobs encode.
    """
    before, behind = (rows[-2:], rows[:1]) if "sliced" in shape else ([], [])
    whole = pa.Table.from_pylist([*before, *rows, *behind], schema=schema).combine_chunks()
    if "dictionaries" in shape:
        named = {name.partition(".")[0] for name in dictionaries}
        columns = {name: _encoded(whole[name]) if name in named else whole[name] for name in schema.names}
        whole = pa.table(columns)
    return whole.slice(len(before), len(rows))


def _encoded(column):
    array = column.combine_chunks()
    if not pa.types.is_list(array.type):
        return array.dictionary_encode()
    offsets = pa.array(array.offsets.to_numpy())
    return pa.ListArray.from_arrays(offsets, array.values.dictionary_encode(), mask=array.is_null())


def in_chunks(whole, cuts):
    """The same rows, in chunks that end at ``cuts``."""
    ends = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return pa.concat_tables([whole[start:end] for start, end in itertools.pairwise(ends)])


def cuts():
    return st.lists(st.integers(0, 1 << 16), max_size=3)


def manifest_table(rows, shape="plain"):
    return table(rows, MANIFEST, shape)


def licenses_table(rows, shape="plain"):
    return table(rows, LICENSES, shape)


def look(rows, shape="plain", ends=()):
    """A snapshot of the newest day among ``rows``; rows of that day leave it out, as in a store."""
    day = max((row["observed_on"] for row in rows), default=DAYS[-1])
    rows = [{**row, "observed_on": None if row["observed_on"] == day else row["observed_on"]} for row in rows]
    whole = licenses_table(rows, shape)
    return Look(day, "flickr", full=False, rows=lambda: in_chunks(whole, ends) if ends else whole)


def now(manifest, looks):
    """What a bucket's ledger knows now, of some looks: what facts are joined with."""
    return newest(build_ledger(manifest, looks))


def exactly(some):
    """The rows so that even 0.0 and -0.0 differ: what must be the same bytes is compared by this."""
    rows = some.to_pylist() if isinstance(some, pa.Table) else some
    return repr([sorted(row.items()) for row in rows])


def reason_bits(names):
    """Lists of names as the bit sets that decide makes."""
    return np.array([sum(BIT[name] for name in some) for some in names], np.uint32)
