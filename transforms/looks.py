"""Looks: what license snapshots say of a bucket's items, in numbers that can be compared."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.domain.bitemporal import Flags, Numbers, Observations, together
from transforms.domain.dictionaries import ordered
from transforms.domain.errors import IntegrityError
from transforms.domain.lookup import Ids
from transforms.domain.observations import VISIBILITIES
from transforms.domain.texts import encode, shown

_EPOCH = datetime.date(1970, 1, 1)


@dataclass(frozen=True)
class Look:
    """One license snapshot, as far as it concerns a bucket.

    Attributes:
        day: on which the dataset knew of it; and of which its rows speak that state no day of their own.
        observer: who looked.
        full: whether it lists everything that was there. If not, an item's absence says nothing.
        rows: gives source, item_id, license, visibility and observed_on (nullable date32), at most one row
            for each item and day, in any order. Items that the bucket does not have are passed over.
        looked_on: the day on which a full look found nothing of the items that it does not list, where that
            is not ``day``: a snapshot of everything that arrived late.
    """

    day: datetime.date
    observer: str
    full: bool
    rows: Callable[[], pa.Table]
    looked_on: datetime.date | None = None

    @property
    def known(self) -> int:
        """Its day, as days since 1970."""
        return days(self.day)

    @property
    def absent_on(self) -> int:
        """The day on which what it does not list was missing, as days since 1970."""
        return days(self.looked_on or self.day)


def days(day: datetime.date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


class States:
    """Codes of (license, visibility); licenses are numbered as they turn up."""

    MISSING = VISIBILITIES.index("missing")
    """The code of an item that is missing: its license is unknown."""

    def __init__(self) -> None:
        self._licenses = {"unknown": 0}

    def codes(self, license_id: pa.ChunkedArray, visibility: pa.ChunkedArray) -> Numbers:
        """The code of each row.

        Raises:
            IntegrityError: a visibility is none of :data:`observations.VISIBILITIES`.
        """
        told, seen = encode(license_id), encode(visibility)
        licenses = [
            self._licenses.setdefault(name, len(self._licenses)) for name in told.dictionary.to_pylist()
        ]
        names = seen.dictionary.to_pylist()
        if wrong := sorted({*map(str, names)} - {*VISIBILITIES}):
            raise IntegrityError(f"visibility is {shown(wrong[0])}, not one of {', '.join(VISIBILITIES)}")
        if not len(told):
            return np.empty(0, np.int32)
        first = np.array(licenses, np.int32) * np.int32(len(VISIBILITIES))
        second = np.array([VISIBILITIES.index(name) for name in names], np.int32)
        return first[told.indices.to_numpy()] + second[seen.indices.to_numpy()]

    def beliefs(self, trust: npt.NDArray[np.int64], code: Numbers) -> npt.NDArray[np.int64]:
        """Greater for what rules: the more trusted, the worse news, the license whose name sorts first."""
        license_id, visibility = np.divmod(code, len(VISIBILITIES))
        news = trust * len(VISIBILITIES) - visibility
        return news * len(self._licenses) - self._ranks[license_id]

    def columns(self, code: Numbers) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
        """The license and the visibility of each code, over dictionaries that follow from them."""
        license_id, visibility = np.divmod(code, np.int32(len(VISIBILITIES)))
        return named(license_id, list(self._licenses)), named(visibility, VISIBILITIES)

    @property
    def _ranks(self) -> npt.NDArray[np.int64]:
        """The place of each license among all in the order of their names."""
        return np.argsort(np.argsort(list(self._licenses)))


def named(places: Numbers, names: Sequence[str]) -> pa.DictionaryArray:
    """The names at ``places``, over a dictionary of those in use, ascending."""
    return ordered(pa.chunked_array([pa.DictionaryArray.from_arrays(places, pa.array(names, pa.string()))]))


class Heard(NamedTuple):
    """What a look says of a bucket's items: those of its rows that the bucket has.

    Attributes:
        valid: the days of which its rows speak; None where all are of the look's.
    """

    look: Look
    item: Numbers
    code: Numbers
    valid: Numbers | None

    def absent(self, of: Flags) -> Numbers:
        """Which of some items it does not list, ascending."""
        absent = of.copy()
        absent[self.item] = False
        return np.flatnonzero(absent).astype(np.int32)


def hear(look: Look, item: Ids, states: States) -> Heard:
    """Read a look, for the items of a bucket."""
    rows = look.rows()
    place = item.find(Ids(_plain(rows["source"]), _plain(rows["item_id"])))
    here = place >= 0
    code = states.codes(rows["license"], rows["visibility"])[here]
    valid = rows["observed_on"].cast(pa.int32()).fill_null(look.known).to_numpy()[here]
    dated = bool((valid != look.known).any())
    return Heard(look, place[here].astype(np.int32), code, valid if dated else None)


def _plain(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return texts.cast(pa.string()) if pa.types.is_dictionary(texts.type) else texts


def said_of(
    items: Flags, heard: Sequence[Heard], states: States, names: Sequence[str], observers: Sequence[str]
) -> Observations:
    """All that looks say of some items, absences from full looks included.

    Args:
        items: whether an item is one of them.
        heard: the looks.
        states: by which they were heard.
        names: of their observers, ascending.
        observers: the most trusted first; see :func:`transforms.ledger.build_ledger`.
    """
    trust = {name: len(observers) - place for place, name in reversed([*enumerate(observers)])}

    def observations(
        each: Heard, item: Numbers, valid: Numbers, known: Numbers, code: Numbers
    ) -> Observations:
        name = each.look.observer
        belief = states.beliefs(np.full(len(item), trust.get(name, 0)), code)
        return Observations(item, valid, known, code, _all(item, names.index(name)), belief)

    said = []
    for each in heard:
        pick = items[each.item]
        item = each.item[pick]
        known = _all(item, each.look.known)
        said.append(
            observations(
                each, item, known if each.valid is None else each.valid[pick], known, each.code[pick]
            )
        )
    before = _Before(together(said))
    for each in heard:
        if each.look.full:
            item, known = before.known(each.absent(items), each.look.absent_on)
            known = np.maximum(known, np.int32(each.look.known))
            valid, code = _all(item, each.look.absent_on), _all(item, states.MISSING)
            said.append(observations(each, item, valid, known, code))
    return together(said)


class _Before:
    """From when on it was known that an item had been seen before a day."""

    def __init__(self, said: Observations) -> None:
        order = np.lexsort((said.valid, said.item))
        self._item = said.item[order]
        self._key = _key(self._item, said.valid[order])
        # The days of each item lie below those of the one before, so that a running minimum starts anew.
        below = self._item.astype(np.int64) << 32
        self._known = (np.minimum.accumulate(said.known[order] - below) + below).astype(np.int32)

    def known(self, item: Numbers, day: int) -> tuple[Numbers, Numbers]:
        """Those of some items that were seen before ``day``, and from when on that was known."""
        last = np.searchsorted(self._key, _key(item, np.int32(day))) - 1
        seen = last >= 0
        seen[seen] = self._item[last[seen]] == item[seen]
        return item[seen], self._known[last[seen]]


def _key(item: Numbers, day: Numbers | np.int32) -> npt.NDArray[np.int64]:
    return (item.astype(np.int64) << 32) + day


def _all(like: Numbers, value: int) -> Numbers:
    return np.full(len(like), value, np.int32)
