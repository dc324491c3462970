"""The license ledger: what is known of each item's license and visibility, of which days, and since when.

A pure function of a manifest bucket and of the license snapshots. It holds changes, not repeats: neither the
order in which snapshots came nor how often one came leaves a trace. See
`docs/decisions/0018-the-ledger-holds-changes-in-two-times.md`.

Most items are *plain*: of them looks speak of their own days only. Those are folded, one day after another,
and only what changes is kept. Of the others, such as those with a history, what was said goes through
:mod:`transforms.domain.bitemporal`.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import bitemporal
from transforms.domain.bitemporal import FOREVER, Changes, Flags, Numbers, Rectangles, together
from transforms.domain.dictionaries import ordered
from transforms.domain.schemas import LEDGER
from transforms.domain.states import States, named
from transforms.domain.texts import encode
from transforms.looks import Heard, Listener, Look, Uneven, said_of

__all__ = ["MANIFEST_COLUMNS", "Look", "build_ledger", "extend_ledger", "newest"]

MANIFEST_COLUMNS = ("source", "item_id", "owner_id", "uploaded_at", "media_type")

_NOTHING = np.iinfo(np.int64).min
"""Less than any belief."""


def build_ledger(manifest: pa.Table, looks: Sequence[Look], observers: Sequence[str] = ()) -> pa.Table:
    """The ledger of a manifest bucket, from all that was ever said of it.

    Args:
        manifest: the columns :data:`MANIFEST_COLUMNS` of a bucket.
        looks: in any order, and as often as they came.
        observers: the most trusted first: whose word rules where several speak of one day. Those not named
            are trusted least, and alike; among them the worse news rules.

    Returns:
        In :data:`schemas.LEDGER`, texts that repeat as dictionaries; by row, `valid_from` and `known_from`.

    Raises:
        IntegrityError: a look has a visibility that is none.
    """
    listener = Listener(manifest, (look.observer for look in looks), observers)
    heard = [listener.hear(look) for look in sorted(looks, key=_day)]
    fold = _Fold(len(manifest), Uneven.of(heard, len(manifest)))
    wanted: list[tuple[Heard, Flags]] = []
    for _, each in itertools.groupby(heard, key=lambda each: each.look.day):
        of_day = [*each]
        needed = fold.take(of_day, listener.states)
        wanted += ((one, needed) for one in of_day)
    news = fold.news()
    if fold.uneven.items.any():
        news = together([news, bitemporal.changes(said_of(wanted, fold.uneven, listener.states))])
    return _table(manifest, bitemporal.rectangles(news.in_order()), listener)


def extend_ledger(ledger: pa.Table, manifest: pa.Table, looks: Sequence[Look]) -> pa.Table | None:
    """What :func:`build_ledger` gives with ``looks`` added; None if that is ``ledger`` as it is.

    Args:
        ledger: what it gave for the looks before.
        manifest: the columns :data:`MANIFEST_COLUMNS` of the same bucket.
        looks: each of another day, and all of later days than any that went into the ledger. No row states a
            day of its own.

    Raises:
        ValueError: the looks are not such, as far as can be seen.
        IntegrityError: a look has a visibility that is none.
    """
    names = ledger["observer"].cast(pa.string()).unique().to_pylist()
    listener = Listener(manifest, [*names, *(look.observer for look in looks)])
    old = _rectangles(ledger, listener)
    now = (old.valid_to == FOREVER) & (old.known_to == FOREVER)
    fold = _Fold(len(manifest), Uneven.of([], len(manifest)))
    fold.current[old.item[now]] = old.code[now]
    last = max(_last(days) for days in old[3:])
    for look in sorted(looks, key=_day):
        if look.known <= last:
            raise ValueError(f"a look of {look.day} cannot extend a ledger that knows of that day, or later")
        last = look.known
        heard = listener.hear(look)
        if Uneven.of([heard], len(manifest)).items.any():
            raise ValueError("a ledger is extended by looks that say one thing of an item, of their own day")
        fold.take([heard], listener.states)
    news = fold.news()
    if not len(news.item):
        return None
    changed = np.zeros(len(manifest), np.bool_)
    changed[news.item] = True
    ending = now & changed[old.item]
    until = old.at(ending)
    begun = Changes(until.item, until.valid_from, until.known_from, until.code, until.observer)
    remade = bitemporal.rectangles(together([begun, news]).in_order())
    return _table(manifest, together([old.at(~ending), remade]).in_order(), listener)


def newest(ledger: pa.Table) -> pa.Table:
    """What holds now, as is known now: row, license and visibility, at most once a row, in order."""
    now = pc.and_(pc.is_null(ledger["valid_to"]), pc.is_null(ledger["known_to"]))
    return ledger.select(["row", "license", "visibility"]).filter(now)


class _Fold:
    """What items are known to be, by what looks say of their own day: after one day and another.

    Attributes:
        current: the state of each item; -1 where nothing was said of it.
        uneven: the items of which more was said, and when.
    """

    def __init__(self, count: int, uneven: Uneven) -> None:
        self.current = np.full(count, -1, np.int32)
        self.uneven = uneven
        self._spoken_on = np.full(count, -FOREVER, np.int32)
        self._news = [Changes(*(np.empty(0, np.int32) for _ in Changes._fields))]

    def news(self) -> Changes:
        """The changes of plain items."""
        return together(self._news)

    def take(self, heard: Sequence[Heard], states: States) -> Flags:
        """Go on with all looks of one day, a later one than the last.

        Returns:
            The items that are not plain and of which these looks say something to know: all, but where a day
            says what the one before said, and nothing uneven lies from that one to this.
        """
        day = heard[0].look.known
        said, by = self._believed(heard, states)
        spoken = said >= 0
        changed = spoken & (said != self.current)
        near = (self.uneven.first <= day) & (self._spoken_on <= self.uneven.last)
        needed = self.uneven.items & (changed | near)
        self.current[changed] = said[changed]
        self._spoken_on[spoken] = day
        plain = np.flatnonzero(changed & ~self.uneven.items).astype(np.int32)
        days = np.full(len(plain), day, np.int32)
        self._news.append(Changes(plain, days, days, said[plain], by[plain]))
        return needed

    def _believed(self, heard: Sequence[Heard], states: States) -> tuple[Numbers, Numbers]:
        """What looks of one day say of each item, -1 for nothing, and the observer who said it first."""
        heard = sorted(heard, key=lambda each: (each.trust, each.observer))
        each_said = [self._said(each) for each in heard]
        said = each_said[0]
        if len(heard) > 1:
            beliefs = [
                np.where(some < 0, _NOTHING, states.beliefs(each.trust, some))
                for each, some in zip(heard, each_said, strict=True)
            ]
            said = np.stack(each_said)[np.argmax(beliefs, axis=0), np.arange(len(said))]
        by = np.empty(len(said), np.int32)
        for each, some in reversed([*zip(heard, each_said, strict=True)]):
            by[some == said] = each.observer
        return said, by

    def _said(self, heard: Heard) -> Numbers:
        """What a look says of each item on its own day; -1 for nothing."""
        count = len(self.current)
        said = np.full(count, -1, np.int32)
        said[heard.item[heard.own]] = heard.code[heard.own]
        if heard.look.full and heard.look.absent_on == heard.look.known:
            absent = heard.absent(count)
            said[absent & (self.current >= 0)] = States.MISSING
            # Of those that nobody saw before, a history may say otherwise: then they were missing.
            self.uneven.note(
                np.flatnonzero(absent & (self.current < 0) & self.uneven.items), heard.look.known
            )
        return said


def _day(look: Look) -> datetime.date:
    return look.day


def _last(days: Numbers) -> int:
    """The latest day but for ever."""
    return int(days[days != FOREVER].max(initial=-FOREVER))


def _table(manifest: pa.Table, made: Rectangles, listener: Listener) -> pa.Table:
    """Rectangles as rows, with what the manifest says of their items."""
    row = pa.array(made.item)

    def of_item(name: str) -> pa.DictionaryArray:
        return ordered(pa.chunked_array([ordered(manifest[name]).take(row)]))

    license_id, visibility = listener.states.columns(made.code)
    return pa.table(
        {
            "source": of_item("source"),
            "item_id": manifest["item_id"].cast(pa.string()).take(row),
            "owner_id": of_item("owner_id"),
            "license": license_id,
            "visibility": visibility,
            "observer": named(made.observer, listener.names),
            **{
                name: pa.array(days, mask=days == FOREVER).cast(pa.date32())
                for name, days in made._asdict().items()
                if name.endswith(("_from", "_to"))
            },
            "upload_year": pc.year(manifest["uploaded_at"]).cast(pa.int16()).take(row),
            "media_type": of_item("media_type"),
            "row": row,
        }
    ).select(LEDGER.names)


def _rectangles(ledger: pa.Table, listener: Listener) -> Rectangles:
    """The rows of a ledger as numbers."""
    observer = encode(ledger["observer"])
    place = np.array([listener.names.index(name) for name in observer.dictionary.to_pylist()], np.int32)
    days = (
        ledger[name].cast(pa.int32()).fill_null(FOREVER).to_numpy()
        for name in ("valid_from", "valid_to", "known_from", "known_to")
    )
    return Rectangles(
        ledger["row"].to_numpy(),
        listener.states.codes(ledger["license"], ledger["visibility"]),
        place[observer.indices.to_numpy()] if len(observer) else place,
        *days,
    )
