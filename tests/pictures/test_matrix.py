from __future__ import annotations

import math
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.pictures.matrix import MIXED, OTHER, Matrix, matrix, openness
from transforms.domain.license_changes import compare
from transforms.domain.licenses import LICENSES

LICENSE = st.sampled_from([*sorted(LICENSES)[:12], "all-rights-reserved", "unknown", "CC0-1.0"])


def row(before: str, after: str, items: int) -> dict[str, Any]:
    return {
        "license_from": before,
        "license_to": after,
        "direction": compare(before, after),
        "items": items,
        "owners": 1,
    }


rows_of_a_matrix = st.dictionaries(st.tuples(LICENSE, LICENSE), st.integers(1, 10**9), max_size=40).map(
    lambda counts: [row(*pair, items) for pair, items in counts.items()]
)
most = st.integers(1, 16)


@given(rows_of_a_matrix, most)
def test_no_item_is_lost_and_what_is_shown_is_exact(rows: list[dict[str, Any]], most: int) -> None:
    made = matrix(rows, most)
    assert sum(cell.items for cell in made.cells) == sum(each["items"] for each in rows)
    exact = {(each["license_from"], each["license_to"]): each["items"] for each in rows}
    for cell in made.cells:
        if OTHER not in (cell.license_from, cell.license_to):
            assert exact[cell.license_from, cell.license_to] == cell.items
            assert cell.owners == 1
        else:
            assert (cell.direction, cell.owners) == (MIXED, None)


@given(rows_of_a_matrix, most)
def test_licenses_that_change_the_most_are_shown(rows: list[dict[str, Any]], most: int) -> None:
    made = matrix(rows, most)
    changed = Counter[str]()
    names = {name for each in rows for name in (each["license_from"], each["license_to"])}
    for each in rows:
        if each["license_from"] != each["license_to"]:
            changed[each["license_from"]] += each["items"]
            changed[each["license_to"]] += each["items"]
    shown = set(made.licenses) - {OTHER}
    assert len(shown) == min(most, len(names))
    assert made.summed == len(names) - len(shown)
    assert (OTHER in made.licenses) == (made.summed > 0)
    if names - shown:
        assert min(changed[name] for name in shown) >= max(changed[name] for name in names - shown)


@given(rows_of_a_matrix, most, st.randoms())
def test_the_order_of_rows_is_nothing(rows: list[dict[str, Any]], most: int, random: Any) -> None:
    shuffled = [*rows]
    random.shuffle(shuffled)
    assert matrix(shuffled, most) == matrix(rows, most)


@given(rows_of_a_matrix)
def test_more_items_are_stronger(rows: list[dict[str, Any]]) -> None:
    changes = sorted((c for c in matrix(rows).cells if c.direction != "same"), key=lambda cell: cell.items)
    assert all(0 < cell.strength <= 1 for cell in changes)
    assert [cell.strength for cell in changes] == sorted(cell.strength for cell in changes)
    assert not changes or math.isclose(changes[-1].strength, 1)


def test_what_allows_more_comes_first() -> None:
    order = (
        "CC0-1.0", "CC-BY-2.0", "CC-BY-4.0", "CC-BY-SA-2.0", "CC-BY-ND-2.0", "CC-BY-NC-2.0",
        "CC-BY-NC-SA-2.0", "CC-BY-NC-ND-2.0", "no-known-copyright-restrictions",
        "all-rights-reserved", "unknown",
    )  # fmt: skip
    assert tuple(sorted(set(order), key=openness)) == order


def test_unknown_and_unknown_again_is_no_change() -> None:
    made = matrix([row("unknown", "unknown", 5), row("CC-BY-2.0", "unknown", 1)])
    assert [(cell.direction, cell.items) for cell in made.cells] == [("unknown", 1), ("same", 5)]


def test_nothing_gives_an_empty_matrix() -> None:
    assert matrix([]) == Matrix([], [], 0)
