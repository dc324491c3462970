"""Three looks at N items, as columns: what a maintainer of 100M photos would have after two years.

Every snapshot is full. Between two of them 3 % of the items change: most of these whole owners at a time, who
choose another license or close their account; the others one by one, and a few are no longer listed. A
fourth look comes in two forms: nothing changed, and 0.05 % did.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import keys, order
from transforms.domain.schemas import LICENSES, MANIFEST
from transforms.synth.draws import I64, Mask, chance, draw, even, weighted
from transforms.synth.history import LICENSES as LICENSE_IDS
from transforms.synth.population import Population

SOURCE = "flickr"
SEED = 1
DAYS = ("2024-06-01", "2025-06-01", "2026-06-01")
VISIBILITIES = ("public", "private", "deleted", "missing")  # the last one: not in the snapshot
_PUBLIC, _PRIVATE, _DELETED, _MISSING = range(4)

_OWNER_RELICENSES = 0.022
_ITEM_RELICENSED = 0.003
_ACCOUNT_CLOSED = 0.002
_ITEM_HIDDEN = 0.002
_ITEM_GONE = 0.001
_LATER_RELICENSES = 0.0005  # of the fourth look
# Streams of draws that must not follow each other: see `draws.even`.
_ROOTS = ((2, 3), (7, 11))
_LATER_ROOT = 13

_TO = np.array(
    [LICENSE_IDS.index(n) for n in ("all-rights-reserved", "CC-BY-4.0", "CC-BY-NC-2.0", "CC0-1.0")]
)
_TO_WEIGHTS = (0.35, 0.30, 0.15, 0.20)

_UPLOADS_FROM = np.datetime64("2004-02-10", "ms").astype(np.int64)
_UPLOADS_MS = (np.datetime64("2014-04-30", "ms").astype(np.int64) - _UPLOADS_FROM) // 1000


@dataclasses.dataclass(frozen=True)
class People(Population):
    """The owners of a synthetic manifest, in which no item is there twice."""

    @property
    def items(self) -> int:
        """As many as rows."""
        return self.rows

    @property
    def most_item_number(self) -> int:
        """No photo id is above it."""
        return int(1.5 * 2**33) + 10_000_000


@dataclasses.dataclass(frozen=True)
class Look:
    """What one snapshot says of some items: places in `LICENSE_IDS` and in :data:`VISIBILITIES`."""

    license: I64
    visibility: I64

    @property
    def listed(self) -> Mask:
        """Whether the snapshot has a row of the item."""
        return np.asarray(self.visibility != _MISSING)


def looks(people: People, item: I64, owner: I64) -> list[Look]:
    """What each snapshot of :data:`DAYS` says of each item."""
    seen = [Look(people.license_then(item, owner), np.full(len(item), _PUBLIC))]
    for step, (relicenses_root, closes_root) in enumerate(_ROOTS):
        last = seen[-1]
        by_owner = _owners(people, owner, f"owner relicenses {step}", relicenses_root, _OWNER_RELICENSES)
        alone = chance(draw(people.seed, f"item relicensed {step}", item), _ITEM_RELICENSED)
        moved = _moved(people, last.license, np.where(alone, item, owner), f"move {step}")
        closed = _owners(people, owner, f"account closed {step}", closes_root, _ACCOUNT_CLOSED)
        drawn = draw(people.seed, f"visibility {step}", item)
        gone = chance(drawn, _ITEM_GONE) | (last.visibility == _MISSING)
        hidden = chance(~drawn, _ITEM_HIDDEN)
        visibility = np.where(hidden & (last.visibility == _PUBLIC), _PRIVATE, last.visibility)
        visibility = np.where(closed, _DELETED, visibility)
        seen.append(
            Look(np.where(by_owner | alone, moved, last.license), np.where(gone, _MISSING, visibility))
        )
    return seen


def later_look(people: People, last: Look, owner: I64) -> Look:
    """The look after ``last``, in which 0.05 % of the items have another license, whole owners at a time."""
    changes = _owners(people, owner, "owner relicenses later", _LATER_ROOT, _LATER_RELICENSES)
    moved = _moved(people, last.license, owner, "move later")
    return Look(np.where(changes, moved, last.license), last.visibility)


def _owners(people: People, owner: I64, name: str, root: int, share: float) -> Mask:
    drawn = even(people.seed, name, owner, root)
    return np.asarray((owner >= people.crowd) & chance(drawn, share / people.crowd_share))


def _moved(people: People, now: I64, who: I64, name: str) -> I64:
    """Another license than ``now``."""
    place = weighted(draw(people.seed, name, who), _TO_WEIGHTS)
    return np.where(_TO[place] == now, _TO[(place + 1) % len(_TO)], _TO[place])


def manifest_rows(people: People, item: I64, owner: I64) -> pa.Table:
    """The items in `schemas.MANIFEST`, sorted as Merge does; whatever is no id, license or time is null."""
    columns = {
        "source": _same(SOURCE, len(item)),
        "item_id": _item_ids(people, item),
        "owner_id": _named(people.nsids, owner),
        "license": _named(pa.array(LICENSE_IDS), people.license_then(item, owner)),
        "media_type": _named(pa.array(["photo", "video"]), people.is_video(item).astype(np.int64)),
        "uploaded_at": pa.array(_uploaded_at(people, item), pa.timestamp("ms")),
    }
    rows = pa.table(
        [columns.get(field.name, pa.nulls(len(item), field.type)) for field in MANIFEST],
        names=MANIFEST.names,
    )
    places = order.by_text(rows, ("source", "owner_id", "item_id"), distinct=("item_id",))
    return rows.take(pa.array(places))


def license_rows(people: People, item: I64, owner: I64, seen: Sequence[Look]) -> list[pa.Table]:
    """What each of ``seen`` says of the items, in `schemas.LICENSES`, sorted as Merge does."""
    ids = pa.table({"source": _same(SOURCE, len(item)), "item_id": _item_ids(people, item)})
    places = order.by_text(ids, ("source", "item_id"), distinct=("item_id",))
    ids, owner = ids.take(pa.array(places)), owner[places]
    owners = _named(people.nsids, owner)
    tables = []
    for look in seen:
        license_id = _named(pa.array(LICENSE_IDS), look.license[places])
        rows = pa.table(
            {
                "source": ids["source"],
                "item_id": ids["item_id"],
                "owner_id": owners,
                "license": license_id,
                "license_raw": license_id,
                "visibility": _named(pa.array(VISIBILITIES), look.visibility[places]),
                "observed_on": pa.nulls(len(item), pa.date32()),
            }
        )
        tables.append(rows.select(LICENSES.names).filter(pa.array(look.listed[places])))
    return tables


def raw_rows(people: People, item: I64, owner: I64, look: Look) -> pa.Table:
    """What a maintainer would have kept of the same look, in the order of the items given."""
    rows = pa.table(
        {
            "item_id": people.item_number(item),
            "owner_id": _named(people.nsids, owner),
            "license": _named(pa.array(LICENSE_IDS), look.license),
            "visibility": _named(pa.array(VISIBILITIES), look.visibility),
        }
    )
    return rows.filter(pa.array(look.listed))


def home_of_owners(people: People, buckets: int) -> I64:
    """In which bucket each owner lives."""
    source = _same(SOURCE, people.owners)
    return keys.bucket_of(keys.home_hash(source, people.nsids, people.nsids), buckets).astype(np.int64)


def items_of(people: People, owners: I64) -> tuple[I64, I64]:
    """All items of ``owners``, and the owner of each."""
    sizes = np.diff(people.starts)[owners]
    begins = np.repeat(people.starts[owners] - (np.cumsum(sizes) - sizes), sizes)
    return begins + np.arange(int(sizes.sum())), np.repeat(owners, sizes)


def _uploaded_at(people: People, item: I64) -> I64:
    seconds = draw(people.seed, "uploaded", item) % np.uint64(_UPLOADS_MS)
    return np.asarray(_UPLOADS_FROM + seconds.astype(np.int64) * 1000)


def _item_ids(people: People, item: I64) -> pa.Array:
    return pc.cast(pa.array(people.item_number(item)), pa.string())


def _same(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [text])


def _named(names: pa.Array, place: I64) -> pa.Array:
    """The name of each place, as a dictionary of those that occur."""
    return names.take(pa.array(place)).dictionary_encode()
