"""Facts: what is known about each item, row for row with its manifest bucket, and free of policy.

A second policy, or a what-if, reads the same facts and costs no join.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms import leave as leaves
from transforms.domain import keys
from transforms.domain.license_changes import directions
from transforms.domain.lookup import Ids
from transforms.domain.schemas import DETECTIONS, FACTS, LEAVE, MET, SIGNALED
from transforms.domain.texts import encode, in_use

MANIFEST_COLUMNS = (*leaves.OWN_COLUMNS, "license", "media_type", "uploaded_at", "person_present")

_NO_LEAVE, _NOTHING_MET = LEAVE.empty_table(), MET.empty_table()
_NO_SIGNALS, _NO_DETECTIONS = SIGNALED.empty_table(), DETECTIONS.empty_table()

_PEOPLE = ("absent", "present", "unknown")
_SIGNALS = {
    "signal_no": ("no", np.uint16),
    "signal_yes": ("yes", np.uint16),
    "signal_unreadable": ("unreadable", np.bool_),
    "signal_stale": ("stale", np.bool_),
}
"""Of facts: the column of :data:`schemas.SIGNALED`, and its type."""


def join_facts(
    manifest: pa.Table,
    now: pa.Table,
    leave: pa.Table = _NO_LEAVE,
    wide: pa.Table = _NO_LEAVE,
    met: pa.Table = _NOTHING_MET,
    signaled: pa.Table = _NO_SIGNALS,
    detections: pa.Table = _NO_DETECTIONS,
) -> pa.Table:
    """Facts in :data:`schemas.FACTS`, texts as dictionaries: a row for each of ``manifest``, in its order.

    Args:
        manifest: the columns :data:`MANIFEST_COLUMNS`.
        now: of the ledger, what holds now: columns row (place in ``manifest``), license and visibility; at
            most one for each row, in order.
        leave: in :data:`schemas.LEAVE`: items and owners, each once; others than this bucket's do no harm.
        wide: in :data:`schemas.LEAVE`: the other kinds, all that stand.
        met: in :data:`schemas.MET`: what this bucket meets.
        signaled: in :data:`schemas.SIGNALED`: at most one for each row.
        detections: in :data:`schemas.DETECTIONS`, each with its day; others than this bucket's do no harm.

    Returns:
        `license_now` is `license_then`, and visibility is `unknown`, where no snapshot saw the item.
    """
    then = encode(manifest["license"])
    license_now, visibility, observed = _newest(then, now)
    return pa.table(
        {
            "license_then": then,
            "license_now": license_now,
            "direction": directions(then, license_now),
            "visibility": visibility,
            "observed": pa.array(observed),
            **leaves.leave_of(manifest, leave, wide, met),
            **_signals(len(manifest), signaled),
            "people": _people(manifest, detections),
            "owner": _owners(manifest),
            "upload_year": pc.year(manifest["uploaded_at"]).cast(pa.int16()),
            "media_type": encode(manifest["media_type"]),
        }
    ).select(FACTS.names)


def change_leave(
    facts: pa.Table, manifest: pa.Table, leave: pa.Table, wide: pa.Table, met: pa.Table
) -> pa.Table:
    """What :func:`join_facts` would give with other leave, and all else as it was.

    Args:
        facts: what it gave.
        manifest: the columns :data:`leave.OWN_COLUMNS` of the same rows.
        leave: as for :func:`join_facts`, as are ``wide`` and ``met``.
    """
    columns = leaves.leave_of(manifest, leave, wide, met)
    return pa.table({name: columns.get(name, facts[name]) for name in facts.column_names})


def _signals(rows: int, signaled: pa.Table) -> dict[str, pa.Array]:
    columns = {}
    for fact, (name, kind) in _SIGNALS.items():
        column: npt.NDArray[Any] = np.zeros(rows, kind)
        column[signaled["row"].to_numpy()] = signaled[name].to_numpy()
        columns[fact] = pa.array(column)
    return columns


def _people(manifest: pa.Table, detections: pa.Table) -> pa.DictionaryArray:
    """Whether people are in each item: as last seen, and `present` where two of one day differ."""
    said = manifest["person_present"].cast(pa.int32()).fill_null(_PEOPLE.index("unknown"))
    people = said.to_numpy().astype(np.int32)
    if len(detections):
        rows = Ids(manifest["source"], manifest["item_id"]).find(
            Ids(detections["source"], detections["item_id"])
        )
        present = detections["person_present"].to_numpy()
        newest_last = np.lexsort([present, detections["observed_on"].cast(pa.int32()).to_numpy()])
        newest_last = newest_last[rows[newest_last] >= 0]
        # Of several values that numpy puts at one place the last one stays.
        people[rows[newest_last]] = present[newest_last]
    return in_use(pa.DictionaryArray.from_arrays(people, pa.array(_PEOPLE)))


def _owners(manifest: pa.Table) -> pa.Array:
    """A hash of each row's owner, null where it has none."""
    source, owner = encode(manifest["source"]), encode(manifest["owner_id"])
    hashes = np.zeros((len(source.dictionary), len(owner.dictionary) + 1), np.uint64)
    names = owner.dictionary.cast(pa.string()).fill_null("")
    for place, platform in enumerate(source.dictionary.to_pylist()):
        hashes[place, :-1] = keys.home_hash(pa.repeat(platform, len(names)), names, names)
    at = owner.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    nobody = pc.is_null(manifest["owner_id"].combine_chunks(), nan_is_null=False)
    of_row = hashes[source.indices.to_numpy(zero_copy_only=False), at]
    return pa.array(of_row, mask=nobody.to_numpy(zero_copy_only=False))


def _newest(
    then: pa.DictionaryArray, now: pa.Table
) -> tuple[pa.DictionaryArray, pa.DictionaryArray, npt.NDArray[np.bool_]]:
    """License and visibility of each row now, and whether anything is known of it."""
    observed = np.zeros(len(then), np.bool_)
    observed[now["row"].to_numpy()] = True
    unseen = pa.DictionaryArray.from_arrays(np.zeros(len(then), np.int32), ["unknown"])
    license_now = _scattered(then, encode(now["license"]), observed)
    return license_now, _scattered(unseen, encode(now["visibility"]), observed), observed


def _scattered(
    otherwise: pa.DictionaryArray, values: pa.DictionaryArray, where: npt.NDArray[np.bool_]
) -> pa.DictionaryArray:
    """``otherwise`` with ``values`` where there are any: over a dictionary of those in use, ascending."""
    names = sorted({*otherwise.dictionary.to_pylist(), *values.dictionary.to_pylist()})
    places = _places(otherwise, names)
    places[where] = _places(values, names)
    return in_use(pa.DictionaryArray.from_arrays(places, pa.array(names, pa.string())))


def _places(column: pa.DictionaryArray, names: Sequence[str]) -> npt.NDArray[np.int32]:
    """The place of each value in ``names``."""
    place = {name: place for place, name in enumerate(names)}
    places = np.array([place[name] for name in column.dictionary.to_pylist()], np.int32)
    return places[column.indices.to_numpy(zero_copy_only=False)] if len(column) else places[:0]
