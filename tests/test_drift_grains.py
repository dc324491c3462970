"""Drift by every grain is what a look at each item on each day tells."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalog import views as catalog
from pipelines.commands.drift import _GRAINS
from pipelines.drift import GRAINS, Drift, Span, answered
from transforms.domain.errors import ConfigError
from transforms.domain.license_changes import compare, directions_table
from transforms.domain.schemas import LEDGER

DAY = datetime.timedelta(days=1)
DAYS = [datetime.date(2026, 1, 20) + 8 * DAY * n for n in range(6)]
LICENSES = ["CC-BY-2.0", "CC-BY-4.0", "CC-BY-NC-2.0", "all-rights-reserved", "unknown"]


class State(NamedTuple):
    license: str
    visibility: str


class Said(NamedTuple):
    """What was said of an item: from which day it holds, and since when that is known."""

    valid: datetime.date
    known: datetime.date
    state: State


class Item(NamedTuple):
    owner: str | None
    year: int | None
    said: list[Said]

    def on(self, valid: datetime.date, known: datetime.date) -> State | None:
        """The newest of what is said of days until `valid`, by what is known on `known`."""
        heard = [said for said in self.said if said.valid <= valid and said.known <= known]
        return max(heard, key=lambda said: said.valid).state if heard else None


states = st.builds(State, st.sampled_from(LICENSES), st.sampled_from(["public", "private"]))
said = st.builds(
    lambda valid, late, state: Said(valid, valid + late * 8 * DAY, state),
    st.sampled_from(DAYS[:5]),
    st.sampled_from([0, 0, 0, 1, 2]),
    states,
)
items = st.builds(
    Item,
    st.sampled_from(["a", "b", "c", None]),
    st.sampled_from([2010, 2011, None]),
    st.lists(said, max_size=4, unique_by=lambda each: each.valid),
)
worlds = st.lists(items, max_size=8)
days = st.sampled_from([day + offset * DAY for day in DAYS for offset in (-1, 0, 3)])
spans = st.tuples(days, days).map(sorted)


def rectangles(item: Item) -> Iterator[dict[str, Any]]:
    """The ledger of an item, laid out from each day on which something begins or comes to be known."""
    valids = sorted({each.valid for each in item.said})
    knowns = sorted({each.known for each in item.said})
    for valid, valid_to in zip(valids, [*valids[1:], None], strict=False):
        for known, known_to in zip(knowns, [*knowns[1:], None], strict=False):
            if (state := item.on(valid, known)) is not None:
                yield {
                    **state._asdict(),
                    "valid_from": valid,
                    "valid_to": valid_to,
                    "known_from": known,
                    "known_to": known_to,
                }


def ledger(world: list[Item]) -> pa.Table:
    rows = [
        {
            "source": "flickr",
            "item_id": str(place),
            "owner_id": item.owner,
            "observer": "flickr",
            "upload_year": item.year,
            "media_type": "photo",
            "row": place,
            **rectangle,
        }
        for place, item in enumerate(world)
        for rectangle in rectangles(item)
    ]
    return pa.Table.from_pylist(rows, schema=LEDGER)


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[list[Item], Span], Drift]]:
    """The drift of a world, by all grains."""
    with catalog.empty_catalog() as connection:
        connection.register("pairs", directions_table())
        connection.execute("insert into stored.directions by name from pairs")

        def of(world: list[Item], span: Span) -> Drift:
            connection.execute("delete from stored.ledger")
            connection.register("rows_to_ask", ledger(world))
            connection.execute("insert into stored.ledger by name from rows_to_ask")
            return answered(connection, span, GRAINS)

        yield of


class Count:
    def __init__(self) -> None:
        self.items: set[int] = set()
        self.owners: set[str] = set()
        self.licenses = self.visibilities = 0

    def add(self, place: int, item: Item, before: State, after: State) -> None:
        self.items.add(place)
        self.owners |= {item.owner} - {None}  # type: ignore[arg-type]
        self.licenses += before.license != after.license
        self.visibilities += before.visibility != after.visibility


Counts = dict[tuple[Any, ...], Count]


def naive(
    world: list[Item], first: datetime.date, last: datetime.date, known: datetime.date
) -> dict[str, Counts]:
    """Each grain's cells, by looking at each item on both days, and on every day between."""
    cells: dict[str, Counts] = {grain: defaultdict(Count) for grain in GRAINS}
    for place, item in enumerate(world):
        before, after = item.on(first, known), item.on(last, known)
        if before and after:
            direction = compare(before.license, after.license)
            for grain, key in (
                ("direction", (direction,)),
                ("license", (before.license, after.license, direction)),
                ("year", (item.year, direction)),
            ):
                cells[grain][key].add(place, item, before, after)
        for day in (first + n * DAY for n in range(1, (last - first).days + 1)):
            was, became = item.on(day - DAY, known), item.on(day, known)
            if was and became and was != became:
                key = (day.replace(day=1), compare(was.license, became.license))
                cells["month"][key].add(place, item, was, became)
    return cells


def check(found: Drift, expected: dict[str, Counts]) -> None:
    keys = {
        "direction": ("direction",),
        "license": ("license_from", "license_to", "direction"),
        "year": ("upload_year", "direction"),
        "month": ("month", "direction"),
    }
    for grain, names in keys.items():
        rows = found.tables[grain].to_pylist()
        assert {tuple(row[name] for name in names): (row["items"], row["owners"]) for row in rows} == {
            key: (len(count.items), len(count.owners)) for key, count in expected[grain].items()
        }, grain
        for row in rows if grain != "month" else ():
            count = expected[grain][tuple(row[name] for name in names)]
            assert row["visibility_changed"] == count.visibilities
            assert row.get("license_changed", count.licenses) == count.licenses
    whole = expected["direction"].values()
    assert (found.items, found.license_changed, found.visibility_changed) == (
        sum(len(count.items) for count in whole),
        sum(count.licenses for count in whole),
        sum(count.visibilities for count in whole),
    )


@settings(max_examples=40)
@given(world=worlds, span=spans, known=st.none() | days)
def test_drift_is_what_a_look_at_each_item_tells(
    ask: Callable[[list[Item], Span], Drift],
    world: list[Item],
    span: list[datetime.date],
    known: datetime.date | None,
) -> None:
    first, last = span
    found = ask(world, Span(str(first), str(last), str(known) if known else None))
    check(found, naive(world, first, last, known or datetime.date.max))


def test_shares_are_of_what_they_say(ask: Callable[[list[Item], Span], Drift]) -> None:
    by, reserved = State("CC-BY-2.0", "public"), State("all-rights-reserved", "public")
    stays = Item("a", 2010, [Said(DAYS[0], DAYS[0], by)])
    goes = Item("a", 2011, [Said(DAYS[0], DAYS[0], by), Said(DAYS[1], DAYS[1], reserved)])
    reserves = Item("b", 2011, [Said(DAYS[0], DAYS[0], reserved)])
    found = ask([stays, stays, goes, reserves], Span(str(DAYS[0]), str(DAYS[2])))

    def shares(grain: str, *names: str) -> dict[tuple[Any, ...], float]:
        return {tuple(row[name] for name in names): row["share"] for row in found.rows(grain)}

    assert shares("direction", "direction") == {("withdrawn",): 1 / 4, ("same",): 3 / 4}
    assert shares("year", "upload_year", "direction") == {
        (2010, "same"): 1.0,
        (2011, "withdrawn"): 1 / 2,
        (2011, "same"): 1 / 2,
    }
    assert shares("license", "license_from", "license_to")["CC-BY-2.0", "all-rights-reserved"] == 1 / 3
    # What changed comes first, however few it is.
    assert [row["direction"] for row in found.rows("direction")] == ["withdrawn", "same"]
    assert [row["month"] for row in found.rows("month")] == ["2026-01"]
    assert found.summary == "1 of 4 items have another license (25.00 %), and 0 another visibility"


def test_the_earlier_date_is_given_first() -> None:
    with pytest.raises(ConfigError, match=r"^--from 2026-11-02 is after --to 2026-11-01: give .*"):
        Span("2026-11-02", "2026-11-01")
    assert str(Span("2026-11-01", "2026-11-01", "2026-12-01")).endswith("as known on 2026-12-01")


def test_the_command_offers_what_there_is() -> None:
    assert _GRAINS == GRAINS
