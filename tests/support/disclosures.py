"""Releases of a made-up collection night after night, and a reader who solves for what they withhold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

from transforms.disclosure import Cell, Cells, History, Key, Withheld
from transforms.published import DRIFT, LICENSES, TABLES, Tables, decide

Decide = Callable[
    [Mapping[str, Cell], Tables, Mapping[str, History], int, int], "Mapping[str, Withheld] | None"
]

_WEIGHTS = np.array([400, 150, 60, 20, 8, 3, 1.5, 0.8])
_DIRECTIONS = ("restriction", "relaxation", "withdrawn")


@dataclass(frozen=True)
class File:
    """What one release made public, and what it stands on."""

    totals: Mapping[str, Cell]
    tables: Tables
    withheld: Mapping[str, Withheld] | None

    def is_withheld(self, table: str, key: Key) -> bool:
        return self.withheld is None or key in self.withheld[table].threads


class Collection:
    """Items with a license each, of which some change from night to night, each at most once."""

    def __init__(self, seed: int, count: int) -> None:
        self._random = np.random.default_rng(seed)
        self._items = [self._new() for _ in range(count)]

    def _new(self) -> dict[str, str]:
        draw = self._random
        weights = _WEIGHTS / _WEIGHTS.sum()
        item = {
            "then": f"L{draw.choice(4, p=[0.5, 0.3, 0.15, 0.05])}",
            "now": "",
            "year": str(2004 + draw.choice(8, p=weights)),
            "media": "video" if draw.random() < 0.03 else "photo",
            "reason": f"r{draw.choice(5)}" if draw.random() < 0.2 else "",
            "owner": str(draw.integers(1 << 30)) if draw.random() < 0.9 else "one of a few",
        }
        if draw.random() < 0.2:
            self._change(item, int(draw.integers(6)))
        return item

    def _change(self, item: dict[str, str], month: int) -> None:
        direction = self._random.choice(3, p=[0.7, 0.25, 0.05])
        item["now"] = f"{_DIRECTIONS[direction]}-{self._random.choice(3, p=[0.7, 0.25, 0.05])}"
        item["month"] = f"2025-{month + 1:02d}"

    def pass_night(self, number: int, changes: int) -> None:
        """So many items change, come or go."""
        for _ in range(changes):
            item = self._items[self._random.integers(len(self._items))]
            match self._random.integers(5):
                case 0:
                    self._items.append(self._new())
                case 1:
                    self._items.remove(item)
                case 2 if not item["now"]:
                    self._change(item, 6 + number)
                case _:
                    item["reason"] = f"r{self._random.choice(5)}" if not item["reason"] else ""

    def count(self) -> tuple[dict[str, Cell], dict[str, Cells]]:
        """The exact totals and tables."""
        tables: dict[str, dict[Key, list[str]]] = {name: defaultdict(list) for name in TABLES}
        totals: dict[str, list[str]] = defaultdict(list)
        for item in self._items:
            verdict = "excluded" if item["reason"] else "kept"
            direction = item["now"].split("-")[0] or "same"
            cells: dict[str, Key] = {
                "years": (item["year"], verdict),
                "media_types": (item["media"], verdict),
                LICENSES: (item["then"], item["now"] or item["then"], direction),
            }
            if item["reason"]:
                cells["exclusions"] = (item["reason"],)
            if item["now"]:
                cells[DRIFT] = (item["month"], direction)
            totals[verdict].append(item["owner"])
            for name, key in cells.items():
                tables[name][key].append(item["owner"])
        return _counted(totals), {name: _counted(cells) for name, cells in tables.items()}


def _counted(owners: Mapping[Any, Sequence[str]]) -> dict[Any, Cell]:
    return {key: Cell(len(each), len(set(each))) for key, each in owners.items()}


def publish(seed: int, count: int, nights: int, changes: int, k: int, rule: Decide = decide) -> list[File]:
    """The files of a collection's releases."""
    collection, files = Collection(seed, count), []
    histories = {name: History() for name in TABLES}
    for number in range(1, nights + 1):
        totals, tables = collection.count()
        withheld = rule(totals, tables, histories, number, k)
        files.append(File(totals, tables, withheld))
        if withheld is not None:
            for name, cells in tables.items():
                histories[name].add(cells, withheld[name])
        collection.pass_night(number, changes)
    return files


Unknown = tuple[str, Key, int]


def attack(files: Sequence[File]) -> dict[Unknown, tuple[float, float]]:
    """How narrowly a reader of all files can tell each number that no file holds.

    They know which cells there are, which of them are equal in two files, that an item changes its license at
    most once, and so that the changes of a direction in `licenses` and in `drift_by_month` are as many.
    """
    files = [file for file in files if file.withheld is not None]
    told = {
        (name, key, cell.items)
        for file in files
        for name, cells in file.tables.items()
        for key, cell in cells.items()
        if not file.is_withheld(name, key)
    }
    place: dict[Unknown, int] = {}
    rows: list[Counter[int]] = []
    sums: list[float] = []

    def add(each: Sequence[tuple[str, Key, Cell, int]], total: int) -> None:
        row: Counter[int] = Counter()
        for name, key, cell, sign in each:
            unknown = (name, key, cell.items)
            if unknown in told:
                total -= sign * cell.items
            else:
                row[place.setdefault(unknown, len(place))] += sign
        if row:
            rows.append(row)
            sums.append(total)

    for file in files:
        for name in ("years", "media_types"):
            for verdict, total in file.totals.items():
                add([(name, k, c, 1) for k, c in file.tables[name].items() if k[1] == verdict], total.items)
        excluded = file.totals["excluded"].items if "excluded" in file.totals else 0
        add([("exclusions", k, c, 1) for k, c in file.tables["exclusions"].items()], excluded)
        licenses, drift = file.tables[LICENSES].items(), file.tables[DRIFT].items()
        add([(LICENSES, k, c, 1) for k, c in licenses], sum(t.items for t in file.totals.values()))
        for direction in _DIRECTIONS:
            months = [(DRIFT, k, c, 1) for k, c in drift if k[1] == direction]
            add([*months, *((LICENSES, k, c, -1) for k, c in licenses if k[2] == direction)], 0)
    if not rows:
        return {}
    matrix = scipy.sparse.lil_matrix((len(rows), len(place)))
    for number, row in enumerate(rows):
        for column, factor in row.items():
            matrix[number, column] = factor
    equations = matrix.tocsr()
    found = {}
    for unknown, column in place.items():
        aim = np.zeros(len(place))
        aim[column] = 1
        least = _solve(aim, equations, sums)
        most = -_solve(-aim, equations, sums)
        found[unknown] = (least, most)
    return found


def _solve(aim: np.ndarray, equations: scipy.sparse.csr_matrix, sums: Sequence[float]) -> float:
    result = scipy.optimize.linprog(aim, A_eq=equations, b_eq=sums, bounds=(1, 10**7), method="highs")
    assert result.status == 0, result.message
    return float(result.fun)
