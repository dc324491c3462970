"""What is withheld cannot be worked out: by hand, and by a solver that has every file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.disclosures import Decide, attack, publish

from transforms.disclosure import Cell, History, Key, Withheld, is_small, withhold
from transforms.published import DRIFT, LICENSES, TABLES, Tables, decide

K = 10


def cells(**items: int) -> dict[Key, Cell]:
    return {(name,): Cell(count, count) for name, count in items.items()}


def names(withheld: Withheld | None) -> set[str | None]:
    assert withheld is not None
    return {key[0] for key in withheld.threads}


def told(*files: Mapping[Key, Cell]) -> tuple[History, list[Withheld | None]]:
    """What is withheld of one group, file after file."""
    history, decided = History(), []
    for number, each in enumerate(files, 1):
        found = withhold(each, history, number, K)
        decided.append(found)
        if found is not None:
            history.add(each, found)
    return history, decided


# --- By hand: one file -------------------------------------------------------------------------------------


def test_nothing_is_withheld_where_every_number_stands_for_ten() -> None:
    assert names(withhold(cells(a=10, b=11, c=400), History(), 1, K)) == set()
    assert withhold({}, History(), 1, K) == Withheld()


def test_few_owners_are_few_however_many_items_they_have() -> None:
    assert [is_small(Cell(items, owners), K) for items, owners in ((10, 10), (9, 9), (500, 9), (0, 0))] == [
        False,
        True,
        True,
        False,
    ]


def test_a_small_cell_is_hidden_behind_the_smallest_that_are_not() -> None:
    # A reader who knows the sum of all would take b, c and d from it.
    assert names(withhold(cells(a=9, b=11, c=30, d=380), History(), 1, K)) == {"a", "b"}
    # One of 500 items and 3 owners behind one of 12: their sum would nearly tell it.
    group = {**cells(b=12, c=600), ("a",): Cell(500, 3)}
    assert names(withhold(group, History(), 1, K)) == {"a", "b"}
    assert names(withhold({**group, ("b",): Cell(9, 9)}, History(), 1, K)) == {"a", "b", "c"}


def test_small_cells_that_are_too_few_together_take_another_along() -> None:
    assert names(withhold(cells(a=3, b=4, c=50, d=60), History(), 1, K)) == {"a", "b", "c"}
    assert names(withhold(cells(a=6, b=7, e=8, c=50, d=60), History(), 1, K)) == {"a", "b", "e"}


def test_what_cannot_be_hidden_is_told_to_be_so() -> None:
    assert withhold(cells(a=9), History(), 1, K) is None
    assert withhold(cells(a=2, b=3), History(), 1, K) is None


# --- By hand: file after file ------------------------------------------------------------------------------


def test_a_number_that_was_withheld_and_is_the_same_is_withheld_again() -> None:
    # b was hidden for the sake of a. Were it told now, it would be a = 20 - b then.
    _, decided = told(cells(a=9, b=11, c=40, d=50), cells(a=12, b=11, c=41, d=50))
    assert "b" in names(decided[1])


def test_a_number_that_was_told_hides_nothing() -> None:
    # b was told. It is the same now, so a has to hide behind those that changed.
    _, decided = told(cells(a=10, b=11, c=40, d=50), cells(a=9, b=11, c=41, d=51))
    assert names(decided[1]) == {"a", "c"}
    # If nothing else changed, a cannot hide: 111 - (11 + 40 + 50).
    _, decided = told(cells(a=10, b=11, c=40, d=50), cells(a=9, b=11, c=40, d=50))
    assert decided[1] is None


def test_the_same_cells_may_be_withheld_for_as_long_as_they_hold_enough() -> None:
    files = [cells(a=a, b=b, c=40) for a, b in ((5, 20), (6, 20), (6, 25), (4, 19))]
    history, decided = told(*files)
    assert [names(each) for each in decided] == [{"a", "b"}] * 4
    assert decided[0] is not None
    assert history.patterns == [*decided[0].patterns]
    # What a and b have left to shift by is not ten, and c was told.
    assert withhold(cells(a=4, b=6, c=40), history, 5, K) is None
    assert names(withhold(cells(a=4, b=6, c=41), history, 5, K)) == {"a", "b", "c"}


def test_equal_histories_give_equal_decisions_in_whatever_order_cells_come() -> None:
    group = cells(a=9, b=11, c=11, d=11, e=9)
    turned = dict(reversed(group.items()))
    assert withhold(group, History(), 1, K) == withhold(turned, History(), 1, K)


# --- By hand: tables ---------------------------------------------------------------------------------------


def tables(**more: dict[Key, Cell]) -> tuple[dict[str, Cell], dict[str, dict[Key, Cell]]]:
    many = Cell(1000, 1000)
    found: dict[str, dict[Key, Cell]] = {
        "years": {("2010", "kept"): many, ("2010", "excluded"): many},
        "media_types": {("photo", "kept"): many, ("photo", "excluded"): many},
        "exclusions": {("private",): many},
        LICENSES: {("BY", "BY", "same"): many, ("BY", "ND", "restriction"): many},
        DRIFT: {("2025-01-01", "restriction"): many},
    }
    return {"kept": many, "excluded": many}, {**found, **more}


def test_a_small_total_leaves_nothing_to_publish() -> None:
    totals, found = tables()
    histories = {name: History() for name in TABLES}
    assert decide(totals, found, histories, 1, K) == {name: Withheld() for name in TABLES}
    assert decide({**totals, "excluded": Cell(500, 9)}, found, histories, 1, K) is None
    assert decide({"kept": totals["kept"]}, found, histories, 1, K) is not None


def test_a_direction_that_cannot_be_hidden_in_one_table_is_hidden_whole_in_both() -> None:
    months: dict[Key, Cell] = {
        ("2025-01-01", "restriction"): Cell(991, 991),
        ("2025-02-01", "restriction"): Cell(9, 9),
    }
    pairs: dict[Key, Cell] = {
        ("BY", "ND", "restriction"): Cell(9, 9),
        ("BY", "BY", "same"): Cell(1000, 1000),
        ("ND", "ND", "same"): Cell(500, 500),
    }
    totals, found = tables(**{LICENSES: pairs, DRIFT: {("2025-02-01", "restriction"): Cell(9, 9)}})
    decided = decide(totals, found, {name: History() for name in TABLES}, 1, K)
    assert decided is not None
    assert decided[LICENSES].threads.keys() == {("BY", "ND", "restriction"), ("ND", "ND", "same")}
    assert decided[DRIFT].threads.keys() == {("2025-02-01", "restriction")}
    # Where each table can hide it, no more is hidden than that takes.
    totals, found = tables(**{DRIFT: months})
    decided = decide(totals, found, {name: History() for name in TABLES}, 1, K)
    assert decided is not None
    assert decided[LICENSES].threads == {}
    assert decided[DRIFT].threads.keys() == months.keys()


# --- The solver --------------------------------------------------------------------------------------------


def primary_alone(
    totals: Mapping[str, Cell], tables: Tables, histories: Mapping[str, History], number: int, k: int
) -> Mapping[str, Withheld]:
    """Withhold what is small, and nothing for its sake."""
    return {
        name: Withheld(known=frozenset(key for key, cell in each.items() if is_small(cell, k)))
        for name, each in tables.items()
    }


def without_memory(
    totals: Mapping[str, Cell], tables: Tables, histories: Mapping[str, History], number: int, k: int
) -> Mapping[str, Withheld] | None:
    """Decide as if no file had been published before."""
    return decide(totals, tables, {name: History() for name in TABLES}, number, k)


def narrowest(seed: int, rule: Decide = decide, nights: int | None = None) -> float:
    """The narrowest interval that a reader of all files can put around a number that no file holds."""
    draw = np.random.default_rng(seed)
    count, changes = int(draw.choice([300, 1000, 3000])), int(draw.choice([1, 5, 30, 200]))
    files = publish(seed, count, nights or int(draw.integers(1, 6)), changes, K, rule)
    return min((most - least for least, most in attack(files).values()), default=np.inf)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_solver_finds_no_number_that_was_withheld(seed: int) -> None:
    assert narrowest(seed) >= K - 1e-6


@pytest.mark.parametrize("rule", [primary_alone, without_memory])
def test_the_solver_finds_what_a_weaker_rule_withholds(rule: Decide) -> None:
    assert min(narrowest(seed, rule, nights=3) for seed in range(4)) < 1e-6


def test_most_files_publish_most_cells() -> None:
    files = [file for seed in range(6) for file in publish(seed, 3000, 4, 30, K)]
    open_files = [file for file in files if file.withheld is not None]
    assert len(open_files) > len(files) * 0.6
    shown = sum(
        not file.is_withheld(name, key) for file in open_files for name in TABLES for key in file.tables[name]
    )
    assert shown > 0.4 * sum(len(file.tables[name]) for file in open_files for name in TABLES)
