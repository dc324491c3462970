"""Which cells of published counts to withhold, so that none stands for a few people.

A table of counts falls into *groups*: cells whose sum a reader knows, or may know from another table. A cell
of fewer than k items or owners is withheld, and so are others of its group, until the withheld ones can be
shifted against each other by k items without anything that was published becoming wrong. That has to hold for
all files at once: the reader has every one, and may know which cells are equal in two of them.

What makes it so, in each group of each file::

    thread   a withheld cell, for as long as a reader may hold it to be the same number
    fresh    a thread that begins here: the number was never seen in this cell before
    pattern  the threads that are withheld in a group

    a pattern may stand if    it stood before
    or                        it has two fresh threads, and they have more than one item each,
                              by k for each earlier pattern from which its other threads come

A shift of old threads is then taken up by the fresh ones: docs/decisions/0019-statistics-that-name-nobody.md
has the proof. No I/O, and no clock: equal histories give equal decisions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field

Key = tuple[str | None, ...]
"""What names a cell within its table."""

Threads = Mapping[Key, int]
"""By cell, the number of the file in which its thread began."""

_KNOWN = 0  # instead of a thread: the number was published in this cell


@dataclass(frozen=True)
class Cell:
    """A count. ``owners`` may be too low, never too high: then a cell is withheld that need not be."""

    items: int
    owners: int


Cells = Mapping[Key, Cell]


@dataclass(frozen=True)
class Pattern:
    """What is withheld in a group.

    Attributes:
        threads: that a reader does not know.
        reach: how many times k items the shift of one thread can move the others at most.
    """

    threads: Threads
    reach: int = 1

    def begun(self, number: int) -> set[Key]:
        """The cells whose threads began with file ``number``."""
        return {key for key, thread in self.threads.items() if thread == number}


@dataclass(frozen=True)
class Withheld:
    """What is withheld of a table.

    Attributes:
        patterns: one for each group that withholds something a reader does not know.
        loose: the same of groups that are withheld whole, with their sum.
        known: cells that are withheld although their number was published before.
    """

    patterns: tuple[Pattern, ...] = ()
    loose: tuple[Pattern, ...] = ()
    known: frozenset[Key] = frozenset()

    @property
    def threads(self) -> dict[Key, int]:
        """The thread of each cell that is withheld; 0 if a reader knows its number."""
        found = dict.fromkeys(self.known, _KNOWN)
        for pattern in (*self.patterns, *self.loose):
            found.update(pattern.threads)
        return found


@dataclass
class History:
    """What readers were told of one table, in every file so far.

    Attributes:
        seen: for each cell, its numbers, each with its thread, or 0 where it was published.
        lows: the lowest number of each thread.
        patterns: all that stood, the newest last; and those that were ``loose``.
    """

    seen: dict[Key, dict[int, int]] = field(default_factory=dict)
    lows: dict[tuple[Key, int], int] = field(default_factory=dict)
    patterns: list[Pattern] = field(default_factory=list)
    loose: list[Pattern] = field(default_factory=list)

    def add(self, cells: Cells, withheld: Withheld) -> None:
        """Note what one more file told."""
        threads = withheld.threads
        for key, cell in cells.items():
            thread = threads.get(key, _KNOWN)
            self.seen.setdefault(key, {}).setdefault(cell.items, thread)
            if thread:
                low = self.lows.get((key, thread), cell.items)
                self.lows[key, thread] = min(low, cell.items)
        for pattern in withheld.patterns:
            if pattern in self.patterns:
                self.patterns.remove(pattern)
            self.patterns.append(pattern)
        self.loose.extend(pattern for pattern in withheld.loose if pattern not in self.loose)

    def thread(self, key: Key, items: int) -> int | None:
        """The thread of a number in a cell, 0 if it was published there, None if it is new."""
        return self.seen.get(key, {}).get(items)

    def reach(self, threads: Threads) -> int:
        """How many times k items ``threads`` can be off together: by the few patterns that hold them."""
        left, reach = set(threads.items()), 0
        while left:
            held = max((*self.patterns, *self.loose), key=lambda p: len(left & p.threads.items()) / p.reach)
            left -= held.threads.items()
            reach += held.reach
        return reach


def is_small(cell: Cell, k: int) -> bool:
    """Whether a cell stands for somebody, and for fewer than ``k`` items or owners."""
    return cell.items > 0 and min(cell.items, cell.owners) < k


def withhold(
    cells: Cells, history: History, number: int, k: int, *, forced: Collection[Key] = (), anew: bool = False
) -> Withheld | None:
    """What to withhold of one group whose sum is known; None if it cannot be protected.

    Args:
        cells: of the group, none of them empty.
        history: of the table.
        number: of this file, from 1: the name of threads that begin with it.
        k: how many items and owners a published cell has at least, and how wide a withheld one is open.
        forced: cells that are withheld whatever they hold.
        anew: whether to hide the sum of what is forced too: no pattern that stood before will do, and what is
            not forced has to take up the shift.
    """
    must = {key for key, cell in cells.items() if is_small(cell, k)} | set(forced)
    must |= {key for key, cell in cells.items() if history.thread(key, cell.items)}
    known = frozenset(key for key in must if history.thread(key, cells[key].items) == _KNOWN)
    must -= known
    if not must:
        return Withheld(known=known)
    takers = cells.keys() - set(forced) if anew else cells.keys()
    found = [
        None if anew else _kept(cells, must, history, k),
        _renewed(cells, must, history, number, k, takers),
    ]
    patterns = [pattern for pattern in found if pattern is not None]
    if not patterns:
        return None
    smallest = min(patterns, key=lambda pattern: sum(cells[key].items for key in pattern.threads))
    return Withheld((smallest,), known=known)


def hide(cells: Cells, history: History, number: int, reach: int) -> Withheld:
    """All of a group withheld, whose sum is hidden elsewhere too: no pattern has to hold.

    ``reach`` is that of the pattern which hides the sum.
    """
    told = {key: history.thread(key, cell.items) for key, cell in cells.items()}
    old = {key: thread for key, thread in told.items() if thread}
    fresh = {key: number for key, thread in told.items() if thread is None}
    known = frozenset(key for key, thread in told.items() if thread == _KNOWN)
    threads = {**old, **fresh}
    return Withheld(loose=(Pattern(threads, reach + history.reach(old)),) if threads else (), known=known)


def _kept(cells: Cells, must: Set[Key], history: History, k: int) -> Pattern | None:
    """The newest pattern that stood before and can stand again: whatever was open stays so."""
    return next((p for p in reversed(history.patterns) if _can_stand(p, cells, must, history, k)), None)


def _can_stand(pattern: Pattern, cells: Cells, must: Set[Key], history: History, k: int) -> bool:
    if not must <= pattern.threads.keys() <= cells.keys():
        return False
    for key, thread in pattern.threads.items():
        if history.thread(key, cells[key].items) not in (None, thread):
            return False
    # A number that fell narrows what can be taken from it, in all files in which its thread is withheld.
    for number in set(pattern.threads.values()):
        mine = pattern.begun(number)
        began = max(history.patterns, key=lambda p: len(p.begun(number)) if p.begun(number) & mine else 0)
        room = 0
        for key in began.begun(number):
            low = history.lows[key, number]
            room += min(low, cells[key].items if key in mine else low) - 1
        if room < k * began.reach:
            return False
    return True


def _renewed(
    cells: Cells, must: Set[Key], history: History, number: int, k: int, takers: Collection[Key]
) -> Pattern | None:
    """A new pattern: what must be withheld, and the smallest new numbers that make it safe."""
    told = {key: history.thread(key, cells[key].items) for key in must}
    old = {key: thread for key, thread in told.items() if thread is not None}
    reach = max(1, history.reach(old))
    fresh = must - old.keys()

    largest = max((cells[key].items for key in fresh), default=0)  # nor is the sum of all nearly this one

    def is_open() -> bool:
        room = sum(cells[key].items - 1 for key in fresh if key in takers)
        return len(fresh) >= 2 and room >= k * reach

    others = (key for key in cells.keys() - must if history.thread(key, cells[key].items) is None)
    for key in sorted(others, key=lambda key: (cells[key].items, _spelled(key))):
        if is_open() and sum(cells[key].items for key in fresh) - largest >= k:
            break
        fresh.add(key)
    return Pattern({**old, **dict.fromkeys(fresh, number)}, reach) if is_open() else None


def _spelled(key: Key) -> list[str]:
    return ["" if part is None else f"={part}" for part in key]
