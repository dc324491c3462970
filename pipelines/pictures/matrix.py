"""The transition matrix: which cells it has, in what order, and how strong each is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.domain.licenses import ALL_RIGHTS_RESERVED, LICENSES, UNKNOWN

OTHER = "other"
MIXED = "mixed"
"""The direction of a cell that sums several pairs of licenses."""

MOST_LICENSES = 25


@dataclass(frozen=True)
class Cell:
    """How many items went from one license to another, or stayed.

    Attributes:
        license_from: canonical id, or `other`.
        license_to: canonical id, or `other`.
        direction: of the change; `mixed` where it is summed.
        items: in the cell.
        owners: distinct; None where the cell is summed, since owners do not add up.
        strength: 0 to 1, by the logarithm of the items, among the cells that are changes.
    """

    license_from: str
    license_to: str
    direction: str
    items: int
    owners: int | None
    strength: float


@dataclass(frozen=True)
class Matrix:
    """The cells that have items.

    Attributes:
        licenses: in the order of rows and columns, the most open first: restrictions lie right of the
            diagonal. `unknown` and `other` are last.
        cells: row by row.
        summed: how many licenses are in `other`.
    """

    licenses: Sequence[str]
    cells: Sequence[Cell]
    summed: int


def matrix(rows: Iterable[Mapping[str, Any]], most: int = MOST_LICENSES) -> Matrix:
    """The matrix of the rows of `drift_by_license`, with the ``most`` licenses that change the most.

    Of licenses that change alike, those with more items are shown, and then those that sort first.
    """
    rows = list(rows)
    changed, seen = Counter[str](), Counter[str]()
    for row in rows:
        for name in {row["license_from"], row["license_to"]}:
            seen[name] += row["items"]
            changed[name] += row["items"] * (row["license_from"] != row["license_to"])
    ranked = sorted(seen, key=lambda name: (-changed[name], -seen[name], name))
    shown = sorted(ranked[:most], key=openness)
    cells = _cells(rows, set(shown))
    strongest = max(
        (cell["items"] for cell in cells.values() if cell["direction"] not in ("same", MIXED)), default=1
    )
    order = {name: place for place, name in enumerate([*shown, OTHER])}
    return Matrix(
        shown + [OTHER] * (len(ranked) > most),
        [
            Cell(
                *pair, **cell, strength=math.log1p(cell["items"]) / math.log1p(max(strongest, cell["items"]))
            )
            for pair, cell in sorted(cells.items(), key=lambda each: [order[name] for name in each[0]])
        ],
        max(0, len(ranked) - most),
    )


def _cells(rows: Iterable[Mapping[str, Any]], shown: set[str]) -> dict[tuple[str, str], dict[str, Any]]:
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        before, after = (
            name if name in shown else OTHER for name in (row["license_from"], row["license_to"])
        )
        if OTHER not in (before, after):
            # Unknown and unknown again compare as `unknown`: nothing that anyone did is seen in it.
            direction = "same" if before == after else row["direction"]
            cells[before, after] = {"direction": direction, "items": row["items"], "owners": row["owners"]}
        else:
            summed = cells.setdefault((before, after), {"direction": MIXED, "items": 0, "owners": None})
            summed["items"] += row["items"]
    return cells


def openness(license_id: str) -> tuple[Any, ...]:
    """A sort key: what allows more comes first, and on a par what asks for less; `unknown` is last."""
    if license_id not in LICENSES:
        return (1, license_id == UNKNOWN, license_id)
    terms = LICENSES[license_id]
    allowed = terms.copying + terms.commercial_use + terms.derivatives
    # Of two that allow two things: commercial use weighs more than derivatives.
    asked = (not terms.public_domain, not terms.commercial_use, terms.share_alike, not terms.derivatives)
    reserved = license_id == ALL_RIGHTS_RESERVED
    return (0, -allowed, asked, reserved, terms.unit, terms.version, terms.jurisdiction, license_id)
