"""Drift queries beside a grid that says what was known of each item on each day, about each day."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.catalog import views as catalog
from pipelines.catalog.queries import run_query
from transforms.domain import schemas
from transforms.domain.license_changes import compare, directions_table

DAYS = 5
OWNERS = (None, "A", "B")


class State(NamedTuple):
    license: str
    visibility: str


# By the day on which it was known and the day that is asked about: a state, or nothing yet.
Grid = Mapping[tuple[int, int], State | None]


def day(number: int) -> datetime.date:
    return datetime.date(2020, 1, 1) + datetime.timedelta(20 * number)


class Item(NamedTuple):
    owner: str | None
    grid: Grid


def grid_of(said: list[tuple[int, int, State]]) -> Grid:
    """What holds as of each two days: the last of what was said until then, of until then."""
    return {
        (known, valid): next(
            (state for v, k, state in sorted(said, reverse=True) if v <= valid and k <= known), None
        )
        for known in range(DAYS)
        for valid in range(DAYS)
    }


states = st.builds(
    State, st.sampled_from(["CC-BY-2.0", "CC-BY-NC-2.0"]), st.sampled_from(["public", "private"])
)
number = st.integers(0, DAYS - 1)
items = st.builds(
    Item, st.sampled_from(OWNERS), st.builds(grid_of, st.lists(st.tuples(number, number, states), max_size=4))
)


def ledger(items: list[Item]) -> pa.Table:
    """The grids as rectangles: a run of days with one state, for as many days of knowing as it stays so."""
    rows = []
    for place, (owner, grid) in enumerate(items):
        open_rows: dict[Any, int] = {}
        for known in range(DAYS + 1):
            runs = _runs(grid, known) if known < DAYS else set()
            for run, since in list(open_rows.items()):
                if run not in runs:
                    rows.append((place, owner, *run, since, known if known < DAYS else None))
                    del open_rows[run]
            for run in runs:
                open_rows.setdefault(run, known)
    return pa.Table.from_pylist(
        [
            {
                "source": "flickr",
                "item_id": str(place),
                "owner_id": owner,
                "license": state.license,
                "visibility": state.visibility,
                "observer": "flickr",
                "valid_from": day(since),
                "valid_to": None if until is None else day(until),
                "known_from": day(known_from),
                "known_to": None if known_to is None else day(known_to),
                "upload_year": 2010,
                "media_type": "photo",
                "row": place,
            }
            for place, owner, since, until, state, known_from, known_to in rows
        ],
        schema=schemas.LEDGER,
    )


def _runs(grid: Grid, known: int) -> set[tuple[int, int | None, State]]:
    found, since = set(), 0
    for valid in range(1, DAYS + 1):
        if valid == DAYS or grid[known, valid] != grid[known, since]:
            if state := grid[known, since]:
                found.add((since, valid if valid < DAYS else None, state))
            since = valid
    return found


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with catalog.empty_catalog() as connection:
        connection.register("every_direction", directions_table())
        connection.execute("insert into stored.directions from every_direction")
        yield connection


def put(database: duckdb.DuckDBPyConnection, items: list[Item]) -> None:
    database.execute("delete from stored.ledger")
    database.register("rows", ledger(items))
    database.execute("insert into stored.ledger by name from rows")
    database.unregister("rows")


def ask(database: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return run_query(database, sql).read_all().to_pylist()


def call(name: str, *numbers: int, known: int | None) -> str:
    values = [f"'{day(each)}'" for each in numbers]
    values += [] if known is None else [f"known_on := '{day(known)}'"]
    return f"from {name}({', '.join(values)})"


tried = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.lists(items, max_size=6), number, st.none() | number)
@tried
def test_license_as_of_is_the_grid(
    database: duckdb.DuckDBPyConnection, items: list[Item], valid: int, known: int | None
) -> None:
    put(database, items)
    found = ask(database, call("license_as_of", valid, known=known))
    cell = (DAYS - 1 if known is None else known, valid)
    expected = {str(place): item.grid[cell] for place, item in enumerate(items) if item.grid[cell]}
    assert len(found) == len(expected)
    assert {row["item_id"]: (row["license"], row["visibility"]) for row in found} == expected


@given(st.lists(items, max_size=6), st.tuples(number, number), st.none() | number)
@tried
def test_transitions_are_what_the_grid_says_on_both_days(
    database: duckdb.DuckDBPyConnection, items: list[Item], span: tuple[int, int], known: int | None
) -> None:
    put(database, items)
    of = DAYS - 1 if known is None else known
    both = [(item.owner, item.grid[of, span[0]], item.grid[of, span[1]]) for item in items]
    pairs = [(owner, before, after) for owner, before, after in both if before and after]
    counted = Counter((before, after) for _, before, after in pairs)
    expected = [
        {
            "license_from": before.license,
            "license_to": after.license,
            "direction": compare(before.license, after.license),
            "visibility_from": before.visibility,
            "visibility_to": after.visibility,
            "upload_year": 2010,
            "media_type": "photo",
            "items": count,
            "owners": len({owner for owner, *pair in pairs if pair == [before, after]} - {None}),
        }
        for (before, after), count in counted.items()
    ]
    found = ask(database, call("license_transitions", *span, known=known))
    assert found == sorted(expected, key=lambda row: [str(cell) for cell in row.values()])


@given(st.lists(items, max_size=6))
@tried
def test_events_are_where_the_grid_changes(database: duckdb.DuckDBPyConnection, items: list[Item]) -> None:
    put(database, items)
    expected = {}
    for place, (_, grid) in enumerate(items):
        for valid in range(1, DAYS):
            before, after = grid[DAYS - 1, valid - 1], grid[DAYS - 1, valid]
            if before and after and before != after:
                known = next(
                    k for k in range(DAYS) if any(run[::2] == (valid, after) for run in _runs(grid, k))
                )
                expected[str(place), day(valid)] = (before, after, day(known))
    found = ask(database, "from license_events")
    assert {
        (row["item_id"], row["changed_on"]): (
            (row["license_from"], row["visibility_from"]),
            (row["license_to"], row["visibility_to"]),
            row["known_on"],
        )
        for row in found
    } == expected
    assert len(found) == len(expected)
    assert all(row["direction"] == compare(row["license_from"], row["license_to"]) for row in found)
    changes = call("license_changes", 0, DAYS - 1, known=None)
    shared = "source, item_id, owner_id, changed_on, license_from, license_to, visibility_from, visibility_to"
    asked = [f"select {shared} {each} order by all" for each in (changes, "from license_events")]
    assert ask(database, asked[0]) == ask(database, asked[1])
