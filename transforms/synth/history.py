"""What becomes of the items: license and visibility at each snapshot, and the snapshots' rows.

License codes are places in :data:`LICENSES`, whose head is the manifest's six; :data:`UNKNOWN` stands behind
the last. What an observer misreads (an unknown license) is no change: the next snapshot sees the truth again.
"""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.keys import U64, mix
from transforms.synth.draws import I64, Mask, chance, draw, even, key, pick, shuffle, weighted
from transforms.synth.population import INGEST_LICENSES, Population

SNAPSHOTS = (datetime.date(2025, 6, 1), datetime.date(2026, 11, 1))

LICENSES = (
    *INGEST_LICENSES,
    "CC-BY-NC-ND-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-SA-4.0",
    "CC-BY-ND-4.0",
    "all-rights-reserved",
    "CC0-1.0",
)
UNKNOWN = len(LICENSES)
_FLICKR_IDS = (3, 1, 4, 2, 5, 6, 16, 15, 11, 14, 12, 13, 0, 9)
_UNKNOWN_RAW = ("see profile", "ask first", "99", "https://example.org/my-terms")

VISIBILITIES = ("public", "private", "deleted", "unknown")
_PUBLIC, _PRIVATE, _DELETED, _UNSEEN = range(4)

# Where each license goes: withdrawn, to 4.0 (or back), to a narrower one, to a wider one. A license at the
# end of its scale turns around, so that every move is a change.
_RESERVED, _CC0 = LICENSES.index("all-rights-reserved"), LICENSES.index("CC0-1.0")
_MOVES = np.array(
    [
        [_RESERVED] * 12 + [0, _RESERVED],
        [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 8, 8],
        [_RESERVED, 0, 3, 0, 1, 0, _RESERVED, 6, 9, 6, 7, 6, 6, 8],
        [3, 4, _CC0, 2, 2, 2, 9, 10, _CC0, 8, 8, 8, 0, 2],
    ]
)
_MOVE_WEIGHTS = (0.35, 0.25, 0.2, 0.2)

SNAPSHOT_SCHEMA = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("owner_id", pa.string()),
        pa.field("license", pa.string(), nullable=False),
        pa.field("visibility", pa.string(), nullable=False),
        pa.field("observed_on", pa.date32(), nullable=False),
    ]
)


def _raw_licenses() -> pa.Array:
    """Every license as its canonical id, its URL in two forms, and its Flickr id; then the unknown ones."""
    forms = []
    for license_id, flickr_id in zip(LICENSES, _FLICKR_IDS, strict=True):
        if license_id.startswith("CC-"):
            elements, version = license_id.removeprefix("CC-").lower().rsplit("-", 1)
            urls = [
                f"{scheme}://creativecommons.org/licenses/{elements}/{version}/"
                for scheme in ("https", "http")
            ]
        elif license_id == "CC0-1.0":
            urls = [f"{scheme}://creativecommons.org/publicdomain/zero/1.0/" for scheme in ("https", "http")]
        else:
            urls = [str(flickr_id)] * 2  # all rights reserved has no URL of its own
        forms += [license_id, *urls, str(flickr_id)]
    return pa.array([*forms, *_UNKNOWN_RAW])


_RAW = _raw_licenses()


def _changes(people: Population, owner: I64, name: str, root: int, share: float) -> Mask:
    drawn = even(people.seed, name, owner, root)
    return np.asarray((owner >= people.crowd) & chance(drawn, share / people.crowd_share))


def _licenses(people: Population, item: I64, owner: I64, snapshot: int) -> I64:
    now = people.license_then(item, owner)
    for step in range(snapshot + 1):
        whole = _changes(people, owner, f"owner relicenses {step}", (2, 3)[step], 0.012)
        alone = chance(draw(people.seed, f"item relicensed {step}", item), 0.003)
        by_owner = weighted(draw(people.seed, f"owner's move {step}", owner), _MOVE_WEIGHTS)
        by_item = weighted(draw(people.seed, f"item's move {step}", item), _MOVE_WEIGHTS)
        moved = _MOVES[np.where(alone, by_item, by_owner), now]
        now = np.where(whole | alone, moved, now)
    return now


def observed_licenses(people: Population, item: I64, owner: I64, snapshot: int) -> I64:
    """The license code that snapshot number ``snapshot`` states of each item, or :data:`UNKNOWN`."""
    misread = chance(draw(people.seed, f"license misread {snapshot}", item), 0.0004)
    return np.where(misread, UNKNOWN, _licenses(people, item, owner, snapshot))


def observed_visibilities(people: Population, item: I64, owner: I64, snapshot: int) -> I64:
    """The place in :data:`VISIBILITIES` that snapshot number ``snapshot`` states of each item.

    What is deleted stays so; what could not be seen is often seen again.
    """
    state = np.full(len(item), _PUBLIC)
    for step in range(snapshot + 1):
        drawn = draw(people.seed, f"visibility {step}", item)
        state = np.where((state == _UNSEEN) & chance(mix(drawn), 0.7), _PUBLIC, state)
        fate = weighted(drawn, (0.990, 0.005, 0.003, 0.002))
        account_closed = _changes(people, owner, f"account closed {step}", (7, 11)[step], 0.004)
        fate = np.where(account_closed, _DELETED, fate)
        state = np.where((state == _DELETED) | (fate == _PUBLIC), state, fate)
    return state


def snapshot_rows(people: Population, low: int, high: int, snapshot: int) -> pa.RecordBatch:
    """Rows ``low`` to ``high`` of a license snapshot, in :data:`SNAPSHOT_SCHEMA`, one item at most once.

    The order is arbitrary and the snapshot's own. Items that no snapshot has leave no row, so that a range
    may give fewer rows than its length.
    """
    item = shuffle(np.arange(low, high), people.items, key(people.seed, f"snapshot order {snapshot}"))
    item = item[~people.is_absent(item)]
    owner = people.owner_of(item)
    form = draw(people.seed, f"written {snapshot}", item)
    license_raw = _raw_places(observed_licenses(people, item, owner, snapshot), form)
    visibility = observed_visibilities(people, item, owner, snapshot)
    ownerless = chance(draw(people.seed, f"owner left out {snapshot}", item), 0.02)
    days = (SNAPSHOTS[snapshot] - datetime.date(1970, 1, 1)).days
    return pa.record_batch(
        [
            pc.cast(pa.array(people.item_number(item)), pa.string()),
            people.nsids.take(pa.array(owner, mask=ownerless)),
            _RAW.take(pa.array(license_raw)),
            pa.array(VISIBILITIES).take(pa.array(visibility)),
            pa.array(np.full(len(item), days, np.int32)).cast(pa.date32()),
        ],
        schema=SNAPSHOT_SCHEMA,
    )


def _raw_places(license_now: I64, form: U64) -> I64:
    other_form = np.where(chance(form, 0.01), 1 + pick(mix(form), 3), 0)
    unknown = 4 * UNKNOWN + pick(mix(form), len(_UNKNOWN_RAW))
    return np.where(license_now == UNKNOWN, unknown, 4 * license_now + other_form)
