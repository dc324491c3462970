"""Two times: what was observed of items becomes rectangles of (valid, known) in which each answer holds.

*Valid* is the day for which something was said, *known* the day from which one could know it. As of
(V, K) that observation of an item rules that comes last, by valid day and then by belief, of those with
valid <= V and known <= K. For one K this is a timeline: a row for each stretch of valid days with one answer.
What is the same in timelines one after another is one rectangle. So the rectangles follow from the answers,
and not from how often, by how many or in which order the same was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int32]
"""Places of items and observers, codes of states, days since 1970."""
Flags = npt.NDArray[np.bool_]

FOREVER = np.iinfo(np.int32).max
"""The day that ends what holds until further notice."""


class Observations(NamedTuple):
    """Who said what of which item, in any order.

    ``belief`` settles which of two observations for one day rules: the greater; of equals the one known
    later, then the later observer.
    """

    item: Numbers
    valid: Numbers
    known: Numbers
    code: Numbers
    observer: Numbers
    belief: npt.NDArray[np.int64]


class Changes(NamedTuple):
    """From when on it is known that ``code`` rules from day ``valid`` on; by item, valid and known day."""

    item: Numbers
    valid: Numbers
    known: Numbers
    code: Numbers
    observer: Numbers

    def at(self, places: npt.NDArray[np.int64] | Flags) -> Changes:
        """Some of them, in the order of ``places``."""
        return Changes(*_picked(self, places))

    def in_order(self) -> Changes:
        """The same by item, valid and known day."""
        return self.at(np.lexsort((self.known, self.valid, self.item)))


class Rectangles(NamedTuple):
    """What holds from when until before when, in both times; by item, ``valid_from`` and ``known_from``."""

    item: Numbers
    code: Numbers
    observer: Numbers
    valid_from: Numbers
    valid_to: Numbers
    known_from: Numbers
    known_to: Numbers

    def at(self, places: npt.NDArray[np.int64] | Flags) -> Rectangles:
        """Some of them, in the order of ``places``."""
        return Rectangles(*_picked(self, places))

    def in_order(self) -> Rectangles:
        """The same by item, ``valid_from`` and ``known_from``."""
        return self.at(np.lexsort((self.known_from, self.valid_from, self.item)))


Columns = TypeVar("Columns", Observations, Changes, Rectangles)


def _picked(columns: Iterable[Any], places: npt.NDArray[Any]) -> Iterable[Any]:
    return (column[places] for column in columns)


def together(parts: Sequence[Columns]) -> Columns:
    """The rows of all ``parts``, of which there is at least one."""
    return type(parts[0])(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def changes(said: Observations) -> Changes:
    """What of ``said`` makes a difference: neither overruled from the start nor known by then.

    The observer of a change is who was known first to say so for that day.
    """
    said = Observations(*_picked(said, _order(said)))
    # Told in the order of knowing, the greatest place so far rules its day: places of later days are greater.
    told = np.lexsort((said.known, said.valid, said.item))
    item, valid, known = said.item[told], said.valid[told], said.known[told]
    ruling = np.maximum.accumulate(told)
    settled = np.append(_starts(item, valid, known)[1:], True) if len(told) else np.zeros(0, np.bool_)
    ruling, known = ruling[settled], known[settled]
    rulings = Changes(
        said.item[ruling], said.valid[ruling], known, said.code[ruling], _first_to_say(said)[ruling]
    )
    return rulings.at(_news(rulings))


def _order(said: Observations) -> npt.NDArray[np.int64]:
    return np.lexsort((said.observer, said.known, said.belief, said.valid, said.item))


def _first_to_say(said: Observations) -> Numbers:
    """For each observation, of those that say the same for the same day, the observer of the first known."""
    by = np.lexsort((said.known, said.code, said.valid, said.item))
    starts = _starts(said.item[by], said.valid[by], said.code[by])
    observer = np.empty_like(said.observer)
    observer[by] = said.observer[by[starts]][np.cumsum(starts) - 1]
    return observer


def _news(rulings: Changes) -> Flags:
    """Which are known before all earlier ones of their run, a run being neighbors that say the same.

    Whenever one of the others is known, so is an earlier one, and what lies between says the same too.
    """
    run = np.cumsum(_starts(rulings.item, rulings.code), dtype=np.int64)
    # Each run lies below the one before it, so that a running minimum starts anew with it.
    known = rulings.known - run * (1 << 32)
    news = np.ones(len(known), np.bool_)
    news[1:] = known[1:] < np.minimum.accumulate(known)[:-1]
    return news


def rectangles(news: Changes) -> Rectangles:
    """The rectangles of changes that are in order and hold no repeats, as :func:`changes` gives them."""
    follows = ~_starts(news.item)
    # An item is revised where something becomes known of a day before, or on, one that was spoken of already.
    back = np.zeros(len(follows), np.bool_)
    back[1:] = (news.known[1:] < news.known[:-1]) | (news.valid[1:] == news.valid[:-1])
    revised = np.zeros(news.item.max(initial=-1) + 1, np.bool_)
    revised[news.item[follows & back]] = True
    again = revised[news.item]
    if not again.any():
        return _appended(news)
    return together([_appended(news.at(~again)), _revised(news.at(again))]).in_order()


def _appended(news: Changes) -> Rectangles:
    """The rectangles where each change of an item is of a later day than the last, and known no earlier.

    Until the next one is known a change holds for good; from then on until the day of the next one.
    """
    count = len(news.item)
    ends = np.append(~_starts(news.item)[1:], False)[:count]
    after = np.minimum(np.arange(count) + 1, count - 1)
    for_good = ~ends | (news.known < news.known[after])
    place = np.repeat(np.arange(count), 2)[np.stack([for_good, ends], axis=1).ravel()]
    ended = np.zeros(len(place), np.bool_)
    ended[np.cumsum(for_good.astype(np.int64) + ends)[ends] - 1] = True
    known_next = np.where(ends, news.known[after], FOREVER).astype(np.int32)
    return Rectangles(
        news.item[place],
        news.code[place],
        news.observer[place],
        news.valid[place],
        np.where(ended, news.valid[after][place], FOREVER).astype(np.int32),
        np.where(ended, known_next[place], news.known[place]),
        np.where(ended, FOREVER, known_next[place]).astype(np.int32),
    )


def _revised(news: Changes) -> Rectangles:
    """The rectangles of any changes: the timelines of each day on which something became known, joined."""
    until = np.full(news.item.max() + 1, FOREVER, np.int32)
    lines = []
    for day in np.unique(news.known)[::-1]:
        told = np.zeros(len(until), np.bool_)
        told[news.item[news.known == day]] = True
        lines.append(_timeline(news.at(told[news.item] & (news.known <= day)), day, until))
        until[told] = day
    return _joined(together(lines))


def _timeline(known: Changes, day: np.int32, until: Numbers) -> Rectangles:
    """What is known on a day, and until when that is all: for each stretch of valid days with one answer."""
    rules = np.append(_starts(known.item, known.valid)[1:], True)
    line = known.at(rules)
    line = line.at(_starts(line.item, line.code))
    ends = np.append(~_starts(line.item)[1:], False)
    valid_to = np.where(ends, np.append(line.valid[1:], FOREVER), FOREVER).astype(np.int32)
    since = np.full(len(ends), day, np.int32)
    return Rectangles(line.item, line.code, line.observer, line.valid, valid_to, since, until[line.item])


def _joined(lines: Rectangles) -> Rectangles:
    """``lines`` with one rectangle for those that differ by their known days only, and meet there."""
    same = (lines.observer, lines.code, lines.valid_to, lines.valid_from, lines.item)
    lines = lines.at(np.lexsort((lines.known_from, *same)))
    starts = _starts(lines.item, lines.valid_from, lines.valid_to, lines.code, lines.observer)
    starts[1:] |= lines.known_from[1:] != lines.known_to[:-1]
    ends = np.append(starts[1:], True)
    return lines.at(starts)._replace(known_to=lines.known_to[ends])


def _starts(*columns: npt.NDArray[np.int32]) -> Flags:
    """For each row whether it differs from the row before it. The first does."""
    starts = np.zeros(len(columns[0]), np.bool_)
    starts[:1] = True
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return starts
