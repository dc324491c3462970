"""The license ledger: what is known of each item's license and visibility, of which days, and since when.

A pure function of a manifest bucket and of the license snapshots. It holds changes, not repeats: neither the
order in which snapshots came nor how often one came leaves a trace. See
`docs/decisions/0018-the-ledger-holds-changes-in-two-times.md`.

Most items are *plain*: each look speaks of its own day, and no two of one day. Those are folded, one look
after another, and only what changes is kept. Of the others (histories, late looks, two on one day) all that
was said goes through :mod:`transforms.domain.bitemporal`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import bitemporal
from transforms.domain.bitemporal import FOREVER, Changes, Numbers, Rectangles, together
from transforms.domain.dictionaries import ordered
from transforms.domain.lookup import Ids
from transforms.domain.schemas import LEDGER
from transforms.domain.texts import encode
from transforms.looks import Heard, Look, States, hear, named, said_of

__all__ = ["MANIFEST_COLUMNS", "Look", "build_ledger", "extend_ledger", "newest"]

MANIFEST_COLUMNS = ("source", "item_id", "owner_id", "uploaded_at", "media_type")


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
    item, states = Ids(manifest["source"], manifest["item_id"]), States()
    heard = [hear(look, item, states) for look in sorted(looks, key=lambda look: look.day)]
    names = sorted({look.observer for look in looks})
    fold = _Fold(np.full(len(manifest), -1, np.int32))
    for each in heard:
        fold.take(each, names.index(each.look.observer))
    news = fold.news()
    if fold.odd.any():
        said = said_of(fold.odd, heard, states, names, observers)
        news = together([news.at(~fold.odd[news.item]), bitemporal.changes(said)])
    return _table(manifest, bitemporal.rectangles(news.in_order()), states, names)


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
    item, states = Ids(manifest["source"], manifest["item_id"]), States()
    names = sorted({*ledger["observer"].cast(pa.string()).unique().to_pylist(), *(x.observer for x in looks)})
    old = _rectangles(ledger, states, names)
    now = (old.valid_to == FOREVER) & (old.known_to == FOREVER)
    fold = _Fold(np.full(len(manifest), -1, np.int32))
    fold.current[old.item[now]] = old.code[now]
    last = max((_last(each) for each in old[3:]), default=-FOREVER)
    for look in sorted(looks, key=lambda look: look.day):
        if look.known <= last:
            raise ValueError(f"a look of {look.day} cannot extend a ledger that knows of that day, or later")
        last = look.known
        fold.take(hear(look, item, states), names.index(look.observer))
    if fold.odd.any():
        raise ValueError("only looks that say one thing of an item, and of their own day, extend a ledger")
    news = fold.news()
    if not len(news.item):
        return None
    changed = np.zeros(len(manifest), np.bool_)
    changed[news.item] = True
    ending = now & changed[old.item]
    until = old.at(ending)
    begun = Changes(until.item, until.valid_from, until.known_from, until.code, until.observer)
    remade = bitemporal.rectangles(together([begun, news]).in_order())
    return _table(manifest, together([old.at(~ending), remade]).in_order(), states, names)


def newest(ledger: pa.Table) -> pa.Table:
    """What holds now, as is known now: row, license and visibility, at most once a row, in order."""
    now = pc.and_(pc.is_null(ledger["valid_to"]), pc.is_null(ledger["known_to"]))
    return ledger.select(["row", "license", "visibility"]).filter(now)


class _Fold:
    """What plain items are known to be, after one look and another, and each change on the way.

    Attributes:
        current: the state of each item; -1 where nothing was said of it.
        odd: items that are not plain. What is folded of them is void.
    """

    def __init__(self, current: Numbers) -> None:
        self.current = current
        self.odd = np.zeros(len(current), np.bool_)
        self._spoken_on = np.full(len(current), -FOREVER, np.int32)
        self._news: list[Changes] = [Changes(*(np.empty(0, np.int32) for _ in Changes._fields))]

    def news(self) -> Changes:
        """The changes, by day."""
        return together(self._news)

    def take(self, heard: Heard, observer: int) -> None:
        """Go on with a look; none before it was of a later day."""
        times = np.bincount(heard.item, minlength=len(self.current))
        self.odd |= times > 1
        if heard.valid is not None:
            self.odd[heard.item[heard.valid != heard.look.known]] = True
        said = np.full(len(self.current), -1, np.int32)
        said[heard.item] = heard.code
        if heard.look.full:
            said[(times == 0) & (self.current >= 0)] = States.MISSING
            if heard.look.absent_on != heard.look.known:
                self.odd |= times == 0
        spoken = said >= 0
        self.odd |= spoken & (self._spoken_on == heard.look.known)
        self._spoken_on[spoken] = heard.look.known
        changed = np.flatnonzero(spoken & (said != self.current)).astype(np.int32)
        self.current[changed] = said[changed]
        days, by = (np.full(len(changed), each, np.int32) for each in (heard.look.known, observer))
        self._news.append(Changes(changed, days, days, said[changed], by))


def _last(days: Numbers) -> int:
    """The latest day but for ever."""
    return int(days[days != FOREVER].max(initial=-FOREVER))


def _table(manifest: pa.Table, made: Rectangles, states: States, observers: Sequence[str]) -> pa.Table:
    """Rectangles as rows, with what the manifest says of their items."""
    row = pa.array(made.item)

    def of_item(name: str) -> pa.DictionaryArray:
        return ordered(pa.chunked_array([ordered(manifest[name]).take(row)]))

    license_id, visibility = states.columns(made.code)
    return pa.table(
        {
            "source": of_item("source"),
            "item_id": manifest["item_id"].cast(pa.string()).take(row),
            "owner_id": of_item("owner_id"),
            "license": license_id,
            "visibility": visibility,
            "observer": named(made.observer, observers),
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


def _rectangles(ledger: pa.Table, states: States, observers: Sequence[str]) -> Rectangles:
    """The rows of a ledger as numbers."""
    observer = encode(ledger["observer"])
    place = np.array([observers.index(name) for name in observer.dictionary.to_pylist()], np.int32)
    days = (
        ledger[name].cast(pa.int32()).fill_null(FOREVER).to_numpy()
        for name in ("valid_from", "valid_to", "known_from", "known_to")
    )
    return Rectangles(
        ledger["row"].to_numpy(),
        states.codes(ledger["license"], ledger["visibility"]),
        place[observer.indices.to_numpy()] if len(observer) else place,
        *days,
    )
