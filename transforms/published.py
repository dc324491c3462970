"""The tables of counts that a release publishes, and what of them is withheld. No I/O.

They are flat, and made to have nothing in common but what is protected: `years` and `media_types` add up to
what was kept and what was left out, `exclusions` to what was left out, `licenses` to all rows. Where each
item changed once, `licenses` and `drift_by_month` have the sum of a direction in common, so a direction is a
group in both. If one cannot be protected there, it is withheld whole in both, and its cells of `licenses` are
protected among those that did not change, of which `drift_by_month` says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from transforms.disclosure import Cell, Cells, History, Key, Withheld, hide, is_small, withhold

LICENSES, DRIFT = "licenses", "drift_by_month"
_SAME = "same"  # the direction of a license that did not change


@dataclass(frozen=True)
class Counted:
    """A published table.

    Attributes:
        keys: its columns that name a cell; `items` and `owners` follow.
        group: the one of them by which cells fall into groups; None: they are one.
    """

    keys: tuple[str, ...]
    group: str | None

    def group_of(self, key: Key) -> str | None:
        """The group of a cell."""
        return key[self.keys.index(self.group)] if self.group else None


TABLES: Mapping[str, Counted] = {
    "years": Counted(("upload_year", "verdict"), "verdict"),
    "media_types": Counted(("media_type", "verdict"), "verdict"),
    "exclusions": Counted(("first_reason",), None),
    LICENSES: Counted(("license_then", "license_now", "direction"), "direction"),
    DRIFT: Counted(("month", "direction"), "direction"),
}

Tables = Mapping[str, Cells]
"""Exact counts, by table of :data:`TABLES`."""


def decide(
    totals: Mapping[str, Cell], tables: Tables, histories: Mapping[str, History], number: int, k: int
) -> dict[str, Withheld] | None:
    """What to withhold of each table; None: publish nothing, for a total or a cell cannot be protected.

    Then no total may be published either. A reader who knows that nothing else changed since the last release
    could take the totals of both from each other.

    Args:
        totals: `kept` and `excluded`, which are published as they are.
        tables: the exact counts, no cell empty.
        histories: what was told before, by table.
        number: of this disclosure, from 1.
        k: the fewest items and owners that a published number stands for.
    """
    if any(is_small(cell, k) for cell in totals.values()):
        return None
    found: dict[str, list[Withheld]] = {name: [] for name in tables}
    for name, cells in tables.items():
        if name not in (LICENSES, DRIFT):
            for group in _grouped(name, cells).values():
                decided = withhold(group, histories[name], number, k)
                if decided is None:
                    return None
                found[name].append(decided)
    drift = _decide_drift(tables, histories, number, k)
    if drift is None:
        return None
    return {name: _joined([*each, *drift.get(name, ())]) for name, each in found.items()}


def _decide_drift(
    tables: Tables, histories: Mapping[str, History], number: int, k: int
) -> dict[str, list[Withheld]] | None:
    groups = {name: _grouped(name, tables.get(name, {})) for name in (LICENSES, DRIFT)}
    found: dict[str, list[Withheld]] = {LICENSES: [], DRIFT: []}
    pool: dict[Key, Cell] = dict(groups[LICENSES].pop(_SAME, {}))
    hidden: set[str | None] = set()
    for direction in sorted({*groups[LICENSES], *groups[DRIFT]}, key=str):
        theirs = {name: groups[name].get(direction, {}) for name in groups}
        tried = {name: withhold(cells, histories[name], number, k) for name, cells in theirs.items()}
        if None in tried.values():
            hidden.add(direction)
            pool |= theirs[LICENSES]
        else:
            for name, decided in tried.items():
                found[name] += [decided] if decided else []
    both = {direction for direction in hidden if groups[DRIFT].get(direction)} - {_SAME}
    news = {direction for direction in both if _has_news(groups[DRIFT][direction], histories[DRIFT])}
    forced = {key for direction in hidden for key in groups[LICENSES].get(direction, ())}
    pooled = withhold(pool, histories[LICENSES], number, k, forced=forced, anew=bool(news))
    if pooled is None:
        return None
    # A sum that both tables withhold is open only if both hold something new, or neither does.
    begun = {key[2] for key, thread in pooled.threads.items() if thread == number}
    if begun & both != news:
        return None
    reach = max((pattern.reach for pattern in pooled.patterns), default=1)
    whole = [hide(groups[DRIFT].get(d, {}), histories[DRIFT], number, reach) for d in sorted(hidden, key=str)]
    return {LICENSES: [*found[LICENSES], pooled], DRIFT: [*found[DRIFT], *whole]}


def _has_news(cells: Cells, history: History) -> bool:
    return any(history.thread(key, cell.items) is None for key, cell in cells.items())


def _grouped(name: str, cells: Cells) -> dict[str | None, dict[Key, Cell]]:
    groups: dict[str | None, dict[Key, Cell]] = defaultdict(dict)
    for key, cell in cells.items():
        groups[TABLES[name].group_of(key)][key] = cell
    return dict(groups)


def _joined(each: list[Withheld]) -> Withheld:
    return Withheld(
        tuple(pattern for withheld in each for pattern in withheld.patterns),
        tuple(pattern for withheld in each for pattern in withheld.loose),
        frozenset(key for withheld in each for key in withheld.known),
    )
