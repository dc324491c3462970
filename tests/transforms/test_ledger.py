"""The ledger: rectangles in two times that say, for any two days, what reading every look row by row says."""

import dataclasses
import datetime
import itertools
import random
from collections import defaultdict

import numpy as np
import oracle
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import IDS, VISIBILITIES, cuts, in_chunks, manifest_row, shapes, table

from pipelines.store import parquet
from transforms.domain.conformity import conform
from transforms.domain.errors import IntegrityError
from transforms.domain.schemas import LEDGER, LICENSES, MANIFEST
from transforms.ledger import MANIFEST_COLUMNS, Look, build_ledger, extend_ledger, newest

FEWER = settings(max_examples=50)

DAYS = tuple(datetime.date(2026, 11, day) for day in range(1, 6))
LATER = tuple(datetime.date(2026, 12, day) for day in range(1, 4))
OBSERVERS = ("flickr", "history", "openverse")
LICENSE_IDS = ("CC-BY-2.0", "CC-BY-4.0", "unknown")
COLUMNS = ("source", "item_id", "license", "visibility", "observed_on")
ROWS = pa.schema([LICENSES.field(name) for name in COLUMNS])
KNOWN = ("valid_from", "known_from", "valid_to", "known_to", "license", "visibility", "observer")


# --- Small worlds of looks ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class World:
    manifest: list[dict]
    looks: list[dict]
    observers: tuple[str, ...]

    @property
    def items(self):
        return [oracle.pair(row) for row in self.manifest]


@st.composite
def looks_at(draw, items, days=DAYS, *, plain=False):
    """One look; a plain one has only rows of its own day, one for each item."""
    day = draw(st.sampled_from(days))
    row = st.fixed_dictionaries(
        {
            "item": st.sampled_from(items),
            "license": st.sampled_from(LICENSE_IDS),
            "visibility": st.sampled_from(VISIBILITIES[:3]),
            "observed_on": st.none() if plain else st.none() | st.sampled_from(DAYS),
        }
    )
    by = (lambda row: row["item"]) if plain else (lambda row: (row["item"], row["observed_on"] or day))
    rows = draw(st.lists(row, max_size=6, unique_by=by))
    for row in rows:
        row["source"], row["item_id"] = row.pop("item")
    return {
        "day": day,
        "observer": draw(st.sampled_from(OBSERVERS)),
        "full": draw(st.booleans()),
        "looked_on": None if plain else draw(st.sampled_from((None, None, None, *DAYS[:2]))),
        "rows": rows,
    }


@st.composite
def worlds(draw, *, most=6, plain=False):
    ids = draw(st.lists(IDS | st.integers(1, 10**12).map(str), min_size=1, max_size=3, unique=True))
    items = [(source, item) for item in ids for source in ("commons", "flickr")]
    twists = st.lists(st.sampled_from([("uploaded_at", None), ("media_type", "video")]), max_size=2)
    owner = st.sampled_from((None, "a", "b"))
    manifest = [
        manifest_row(*item, draw(owner), draw(twists)) for item in draw(st.permutations(items))[: len(ids)]
    ]
    few = st.booleans().flatmap(
        lambda simple: st.lists(looks_at(items, plain=plain or simple), max_size=most)
    )
    return World(manifest, draw(few), tuple(draw(st.permutations(OBSERVERS))[: draw(st.integers(0, 3))]))


def manifest_of(world, shape="plain"):
    return table(world.manifest, MANIFEST, shape).select(MANIFEST_COLUMNS)


def as_look(said, shape="plain", ends=()):
    rows = [{name: row[name] for name in COLUMNS} for row in said["rows"]]
    return Look(
        said["day"],
        said["observer"],
        said["full"],
        lambda: in_chunks(table(rows, ROWS, shape), ends),
        said["looked_on"],
    )


def built(world, looks=None, shape="plain"):
    looks = world.looks if looks is None else looks
    return build_ledger(manifest_of(world), [as_look(look, shape) for look in looks], world.observers)


def by_item(ledger):
    """The rows of each item, as the oracle writes them."""
    rows = defaultdict(list)
    for row in ledger.to_pylist():
        rows[row["source"], row["item_id"]].append(tuple(row[name] for name in KNOWN))
    return rows


def covers(row, valid_on, known_on):
    valid_from, known_from, valid_to, known_to, *_ = row
    valid = valid_from <= valid_on and (valid_to is None or valid_on < valid_to)
    return valid and known_from <= known_on and (known_to is None or known_on < known_to)


def written(ledger):
    return parquet.write(parquet.grouped(ledger, LEDGER), LEDGER).to_pybytes()


def crowded(seed):
    """Eight days on which a few observers say much, and mostly the same, of the same items."""
    rng = random.Random(seed)
    days = [datetime.date(2026, 11, day) for day in range(1, 9)]
    items = [("flickr", str(item)) for item in range(4)]
    license_ids, dated = LICENSE_IDS[: rng.choice((1, 2))], rng.choice((0, 0.1, 0.5))
    visibilities = rng.choice((("public",), ("public", "private")))
    looks = []
    for _ in range(rng.randint(1, 12)):
        day, rows = rng.choice(days), {}
        for item in items * 2:
            if rng.random() < 0.6:
                own = rng.choice(days) if rng.random() < dated else None
                said = (rng.choice(license_ids), rng.choice(visibilities), own)
                rows[item, own or day] = dict(zip(COLUMNS, (*item, *said), strict=True))
        looks.append(
            {
                "day": day,
                "observer": rng.choice(OBSERVERS),
                "full": rng.random() < 0.4,
                "looked_on": rng.choice(days) if rng.random() < dated / 3 else None,
                "rows": [*rows.values()],
            }
        )
    manifest = [manifest_row(*item, "a", []) for item in items]
    return World(manifest, looks, tuple(rng.sample(OBSERVERS, rng.randint(0, 3))))


# --- What it says ------------------------------------------------------------------------------------------


@given(worlds())
def test_the_ledger_is_the_oracle_s(world):
    rows = by_item(built(world))
    for item in world.items:
        assert rows.pop(item, []) == oracle.ledger_of(oracle.said_of(item, world.looks), world.observers)
    assert not rows


@pytest.mark.parametrize("start", range(0, 800, 100))
def test_where_much_is_said_the_ledger_is_the_oracle_s_too(start):
    for seed in range(start, start + 100):
        world = crowded(seed)
        rows = by_item(built(world))
        for item in world.items:
            expected = oracle.ledger_of(oracle.said_of(item, world.looks), world.observers)
            assert rows[item] == expected, (seed, item)


@given(worlds())
def test_any_two_days_have_the_answer_of_the_last_observation(world):
    rows = by_item(built(world))
    for item in world.items:
        said = oracle.said_of(item, world.looks)
        for days in itertools.product((*DAYS, *LATER), repeat=2):
            found = [row[4:6] for row in rows[item] if covers(row, *days)]
            answer = oracle.as_of(said, *days, world.observers)
            assert found == ([] if answer is None else [answer])


@given(worlds())
def test_rows_are_in_order_and_as_the_manifest_says(world):
    ledger = built(world)
    assert conform(ledger, LEDGER).column_names == LEDGER.names
    rows = ledger.to_pylist()
    order = [(row["row"], row["valid_from"], row["known_from"]) for row in rows]
    assert order == sorted(set(order))
    for row in rows:
        of = world.manifest[row["row"]]
        year = of["uploaded_at"] and of["uploaded_at"].year
        assert row["upload_year"] == year
        for name in ("source", "item_id", "owner_id", "media_type"):
            assert row[name] == of[name]


@given(worlds(), st.sampled_from(DAYS))
def test_what_was_known_on_a_day_is_what_would_have_been_built_on_it(world, day):
    """All of it: since when, until when and by whom."""
    whole = by_item(built(world))
    then = by_item(built(world, [look for look in world.looks if look["day"] <= day]))
    for item in world.items:
        known = [row for row in whole[item] if row[1] <= day and (row[3] is None or row[3] > day)]
        now = [row for row in then[item] if row[3] is None]
        assert [(row[0], *row[2:3], *row[4:]) for row in known] == [
            (row[0], *row[2:3], *row[4:]) for row in now
        ]


@given(worlds())
def test_newest_is_what_holds_until_further_notice(world):
    ledger = built(world)
    now = newest(ledger)
    assert now.column_names == ["row", "license", "visibility"]
    found = {row["row"]: (row["license"], row["visibility"]) for row in now.to_pylist()}
    assert list(found) == sorted(set(ledger["row"].to_pylist()))
    assert len(now) == len(found)
    for place, item in enumerate(world.items):
        last = oracle.in_order(oracle.said_of(item, world.looks), world.observers)[-1:]
        assert [found[place]] == [one[3:] for one in last] if last else place not in found


# --- What it does not depend on ----------------------------------------------------------------------------


@FEWER
@given(worlds(), st.data())
def test_neither_order_nor_repetition_of_looks_leaves_a_trace(world, data):
    looks = data.draw(st.permutations(world.looks))
    again = built(world, looks + looks[:2])
    assert again.equals(built(world))
    assert written(again) == written(built(world))


@FEWER
@given(worlds(), shapes(), cuts())
def test_how_rows_lie_in_memory_leaves_no_trace(world, shape, ends):
    looks = [as_look(look, shape, ends) for look in world.looks]
    manifest = in_chunks(manifest_of(world, shape), ends)
    again = build_ledger(manifest, looks, world.observers)
    assert again.equals(built(world))
    assert written(again) == written(built(world))


@FEWER
@given(worlds())
def test_each_chunk_may_have_a_dictionary_of_its_own(world):
    def chunked(rows, schema):
        return pa.concat_tables(
            [table([row], schema, "dictionaries") for row in rows] or [schema.empty_table()]
        )

    looks = [
        dataclasses.replace(
            as_look(look),
            rows=lambda look=look: chunked([{n: row[n] for n in COLUMNS} for row in look["rows"]], ROWS),
        )
        for look in world.looks
    ]
    manifest = chunked(world.manifest, MANIFEST).select(MANIFEST_COLUMNS)
    assert build_ledger(manifest, looks, world.observers).equals(built(world))


@FEWER
@given(worlds(plain=True))
def test_a_look_that_says_the_same_again_changes_nothing(world):
    by_day = sorted(world.looks, key=lambda look: look["day"])
    alone = [look for look in by_day if [other["day"] for other in by_day].count(look["day"]) == 1]
    if alone and alone[-1] is by_day[-1]:
        again = {**by_day[-1], "day": LATER[0]}
        assert built(world, [*world.looks, again]).equals(built(world))
        assert extend_ledger(built(world), manifest_of(world), [as_look(again)]) is None


# --- Adding to it ------------------------------------------------------------------------------------------


@given(worlds(most=4), st.data())
def test_a_ledger_that_is_extended_is_the_one_built_of_all(world, data):
    items = [oracle.pair(row) for look in world.looks for row in look["rows"]] + world.items
    days = data.draw(st.lists(st.sampled_from(LATER), unique=True, min_size=1))
    more = [data.draw(looks_at(items, (day,), plain=True)) for day in days]
    whole, before = built(world, world.looks + more), built(world)
    extended = extend_ledger(before, manifest_of(world), [as_look(look) for look in more])
    if extended is None:
        assert whole.equals(before)
    else:
        assert not whole.equals(before)
        assert extended.equals(whole)
        assert written(extended) == written(whole)


@FEWER
@given(worlds(most=3), st.data())
def test_a_ledger_read_from_a_store_is_extended_as_well(world, data):
    more = as_look(data.draw(looks_at(world.items, LATER, plain=True)))
    before = built(world)
    read = parquet.RowGroups(pa.BufferReader(written(before)), "a ledger", schema=LEDGER).read_all()
    extended = extend_ledger(read, manifest_of(world), [more])
    direct = extend_ledger(before, manifest_of(world), [more])
    assert (extended is None) == (direct is None)
    if extended is not None:
        assert extended.equals(direct)


ONE = World([manifest_row("flickr", "1", "a", [])], [], ())


def look(day, *rows, observer="flickr", full=False, looked_on=None):
    names = ("license", "visibility", "observed_on")
    said = [dict(zip(names, (*row, None)[:3], strict=True)) for row in rows]
    return {
        "day": DAYS[day],
        "observer": observer,
        "full": full,
        "looked_on": looked_on,
        "rows": [{"source": "flickr", "item_id": "1", **row} for row in said],
    }


BY, BY4 = ("CC-BY-2.0", "public"), ("CC-BY-4.0", "public")


@pytest.mark.parametrize(
    "more",
    [
        [look(0, BY)],  # a day that the ledger knows of
        [look(2, BY), look(2, BY4)],  # two of one day
        [look(2, (*BY, DAYS[0]))],  # a row of its own day
        [look(2, BY, BY4)],  # an item twice
    ],
)
def test_looks_of_which_a_ledger_cannot_be_extended_are_refused(more):
    before = built(ONE, [look(1, BY)])
    with pytest.raises(ValueError, match="extend"):
        extend_ledger(before, manifest_of(ONE), [as_look(each) for each in more])


# --- By example --------------------------------------------------------------------------------------------


def rows_of(*looks, observers=()):
    (rows,) = by_item(build_ledger(manifest_of(ONE), [as_look(each) for each in looks], observers)).values()
    return [tuple(DAYS.index(day) if day else None for day in row[:4]) + row[4:] for row in rows]


def test_a_change_closes_what_was_known_and_what_held():
    assert rows_of(look(0, BY), look(1, BY), look(2, BY4)) == [
        (0, 0, None, 2, *BY, "flickr"),
        (0, 2, 2, None, *BY, "flickr"),
        (2, 2, None, None, *BY4, "flickr"),
    ]


def test_an_item_that_a_full_look_does_not_list_is_missing_once_and_may_come_back():
    looks = look(0, BY), look(1, full=True), look(2, full=True), look(3, BY, full=True)
    assert [row for row in rows_of(*looks) if row[3] is None] == [
        (0, 1, 1, None, *BY, "flickr"),
        (1, 3, 3, None, "unknown", "missing", "flickr"),
        (3, 3, None, None, *BY, "flickr"),
    ]
    assert rows_of(look(0, BY), look(1), look(2)) == [(0, 0, None, None, *BY, "flickr")]
    assert not len(built(ONE, [look(0, full=True)]))
    assert [row[5] for row in rows_of(look(1, full=True), look(1, BY))] == ["public"]


def test_a_history_that_arrives_late_is_no_change_on_the_day_of_the_first_look():
    looked, history = look(1, BY), look(3, (*BY4, DAYS[0]), (*BY, DAYS[1]), observer="history")
    assert rows_of(looked, history) == [
        (0, 3, 1, None, *BY4, "history"),
        (1, 1, None, None, *BY, "flickr"),
    ]
    same = look(3, (*BY, DAYS[0]), observer="history")
    assert rows_of(looked, same) == [(0, 3, None, None, *BY, "history"), (1, 1, None, 3, *BY, "flickr")]


def test_what_one_observer_says_every_day_against_another_is_no_change():
    days = [look(day, said, observer=who) for day in (0, 1, 2) for who, said in (("flickr", BY), ("ov", BY4))]
    assert rows_of(*days) == [(0, 0, None, None, *BY, "flickr")]
    assert rows_of(*days, observers=("ov", "flickr")) == [(0, 0, None, None, *BY4, "ov")]


def test_a_full_snapshot_that_arrives_late_found_nothing_on_the_day_of_looking():
    looks = look(0, BY), look(2, BY), look(3, full=True, looked_on=DAYS[1])
    assert [row for row in rows_of(*looks) if row[3] is None] == [
        (0, 3, 1, None, *BY, "flickr"),
        (1, 3, 2, None, "unknown", "missing", "flickr"),
        (2, 3, None, None, *BY, "flickr"),
    ]


def test_a_visibility_that_is_none_is_refused():
    with pytest.raises(IntegrityError, match="visibility is 'hidden', not one of deleted, private, missing"):
        built(ONE, [look(0, ("CC-BY-2.0", "hidden"))])


def test_a_bucket_of_which_nothing_was_said_has_an_empty_ledger():
    for looks in ([], [look(0)]):
        assert conform(built(ONE, looks), LEDGER).num_rows == 0
    assert not len(built(World([], [], ()), [look(0, BY, full=True)]))


def test_a_bucket_in_which_nothing_changed_has_a_row_for_each_item():
    count = 50_000
    ids = pa.array(np.random.default_rng(6).permutation(count).astype(str))
    manifest = pa.table(
        {
            "source": pa.repeat("flickr", count),
            "item_id": ids,
            "owner_id": pa.repeat("a", count),
            "uploaded_at": pa.nulls(count, pa.timestamp("ms")),
            "media_type": pa.repeat("photo", count),
        }
    )
    rows = pa.table(
        {
            "source": manifest["source"],
            "item_id": ids,
            "license": pa.repeat("CC-BY-2.0", count),
            "visibility": pa.repeat("public", count),
            "observed_on": pa.nulls(count, pa.date32()),
        }
    )
    ledger = build_ledger(manifest, [Look(day, "flickr", True, lambda: rows) for day in DAYS])
    assert ledger["row"].to_pylist() == list(range(count))
    assert ledger["item_id"].equals(manifest["item_id"])
    assert ledger["known_to"].null_count == ledger["valid_to"].null_count == count
