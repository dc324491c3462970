"""Looks: what license snapshots say of a bucket's items, in numbers that can be compared."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.domain.bitemporal import FOREVER, Flags, Numbers, Observations, together
from transforms.domain.lookup import Ids
from transforms.domain.states import States

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


class Heard(NamedTuple):
    """What a look says of a bucket's items: those of its rows that the bucket has.

    Attributes:
        observer: place of its name among all.
        trust: the more trusted, the greater; 0 is who was not named.
        valid: the days of which its rows speak; None where all are of the look's.
    """

    look: Look
    observer: int
    trust: int
    item: Numbers
    code: Numbers
    valid: Numbers | None

    @property
    def own(self) -> Flags:
        """Which rows are of the look's day."""
        days = self.look.known if self.valid is None else self.valid
        return np.broadcast_to(np.equal(days, self.look.known), len(self.item))

    def absent(self, count: int) -> Flags:
        """Which of ``count`` items it does not list."""
        absent = np.ones(count, np.bool_)
        absent[self.item] = False
        return absent


class Listener:
    """Takes in what looks say of the items of one bucket.

    Attributes:
        states: codes of what was said so far.
        names: of the observers, ascending.
    """

    def __init__(self, manifest: pa.Table, names: Iterable[str], observers: Sequence[str] = ()) -> None:
        """Listen to observers of some names; those of ``observers`` are trusted, the first the most."""
        self.states = States()
        self.names = sorted({*names})
        self._item = Ids(manifest["source"], manifest["item_id"])
        self._trust = {name: len(observers) - place for place, name in reversed([*enumerate(observers)])}

    def hear(self, look: Look) -> Heard:
        """Read a look.

        Raises:
            IntegrityError: a visibility in it is none.
        """
        rows = look.rows()
        place = self._item.find(Ids(_plain(rows["source"]), _plain(rows["item_id"])))
        here = place >= 0
        code = self.states.codes(rows["license"], rows["visibility"])[here]
        valid = rows["observed_on"].cast(pa.int32()).fill_null(look.known).to_numpy()[here]
        dated = bool((valid != look.known).any())
        return Heard(
            look,
            self.names.index(look.observer),
            self._trust.get(look.observer, 0),
            place[here].astype(np.int32),
            code,
            valid if dated else None,
        )


def _plain(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return texts.cast(pa.string()) if pa.types.is_dictionary(texts.type) else texts


class Uneven(NamedTuple):
    """Between which days more was said of an item than one thing a day, on that day.

    Attributes:
        first: the first such day of each item; FOREVER where there is none: the item is *plain*.
        last: the last one.
    """

    first: Numbers
    last: Numbers

    @property
    def items(self) -> Flags:
        """Which items are not plain."""
        return self.first < FOREVER

    @staticmethod
    def of(heard: Sequence[Heard], count: int) -> Uneven:
        """Of ``count`` items: rows of other days than their look's, items listed twice, late full looks."""
        uneven = Uneven(_all(count, FOREVER), _all(count, -FOREVER))
        for each in heard:
            if each.valid is not None:
                uneven.note(each.item[~each.own], each.valid[~each.own])
            twice = np.flatnonzero(np.bincount(each.item[each.own], minlength=count) > 1)
            uneven.note(twice, each.look.known)
            if each.look.full and each.look.absent_on != each.look.known:
                uneven.note(np.flatnonzero(each.absent(count)), each.look.absent_on)
        return uneven

    def note(self, item: npt.NDArray[Any], day: Numbers | int) -> None:
        """Some items are not plain on a day, or each on its own."""
        np.minimum.at(self.first, item, day)
        np.maximum.at(self.last, item, day)


def said_of(heard: Sequence[tuple[Heard, Flags]], uneven: Uneven, states: States) -> Observations:
    """What looks say, absences from full looks included.

    Args:
        heard: looks, and of which items it is wanted what each of them says of its own day.
        uneven: of whose items all else that looks say is wanted.
        states: by which they were heard.
    """

    def observations(
        each: Heard, item: Numbers, valid: Numbers, known: Numbers, code: Numbers
    ) -> Observations:
        belief = states.beliefs(each.trust, code)
        return Observations(item, valid, known, code, _all(len(item), each.observer), belief)

    said = []
    for each, wanted in heard:
        pick = wanted[each.item] | ~each.own
        item = each.item[pick]
        known = _all(len(item), each.look.known)
        valid = known if each.valid is None else each.valid[pick]
        said.append(observations(each, item, valid, known, each.code[pick]))
    before = _Before(together(said))
    for each, wanted in heard:
        if each.look.full:
            of = wanted if each.look.absent_on == each.look.known else uneven.items
            absent = np.flatnonzero(of & each.absent(len(of))).astype(np.int32)
            item, known = before.known(absent, each.look.absent_on)
            known = np.maximum(known, np.int32(each.look.known))
            valid, code = _all(len(item), each.look.absent_on), _all(len(item), states.MISSING)
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


def _all(count: int, value: int) -> Numbers:
    return np.full(count, value, np.int32)
