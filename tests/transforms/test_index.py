"""Index: where each item lives, found the same way at once or bit by bit."""

import itertools

import oracle
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import SOURCES, cuts, in_chunks, table, worlds

import transforms.index
from transforms.domain.schemas import INDEX
from transforms.index import build_index, extend_index, find_homes


def entries(world):
    """Entries as rows of a manifest make them, and a few homes at the ends of what 64 bits hold."""
    entry = st.builds(
        lambda source, item, owner, home: {
            "source": source,
            "item_id": item,
            "home": oracle.home({"source": source, "item_id": item, "owner_id": owner})
            if home is None
            else home,
        },
        st.sampled_from(SOURCES),
        st.sampled_from(world.items),
        st.sampled_from((*world.owners, None)),
        st.sampled_from((None, None, 0, 2**63, 2**64 - 1)),
    )
    return st.lists(entry, max_size=16)


ENTRIES = worlds().flatmap(entries)


def built(rows):
    return build_index(table(rows, INDEX))


@given(ENTRIES)
def test_index_is_the_oracle_s(rows):
    index, losers = built(rows)
    homes, lost = oracle.index(rows)
    assert index.schema.equals(INDEX)
    assert losers.schema.equals(INDEX)
    assert index.to_pylist() == [
        {"source": source, "item_id": item, "home": homes[source, item]} for source, item in sorted(homes)
    ]
    found = [(*oracle.pair(row), row["home"]) for row in losers.to_pylist()]
    assert sorted(found) == sorted(lost)
    assert [loser[:2] for loser in found] == sorted(loser[:2] for loser in found)


@given(ENTRIES.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))), cuts())
def test_order_chunks_and_repetition_do_not_matter(orders, ends):
    rows, otherwise = orders
    index, losers = built(rows)
    again, lost_again = build_index(
        in_chunks(table([*otherwise, *otherwise[:3]], INDEX), ends).combine_chunks()
    )
    assert again.equals(index)
    assert lost_again.equals(losers)


@given(ENTRIES, st.lists(st.integers(0, 16), max_size=3))
def test_an_index_built_bit_by_bit_is_that_of_all_at_once(rows, ends):
    index, losers = built(rows)
    places = [0, *sorted(ends), len(rows)]
    grown, lost = INDEX.empty_table(), set()
    for start, end in itertools.pairwise(places):
        grown, step = build_index(pa.concat_tables([table(rows[start:end], INDEX), grown]))
        lost |= {tuple(row.values()) for row in step.to_pylist()}
    assert grown.equals(index)
    assert lost == {tuple(row.values()) for row in losers.to_pylist()}


@given(ENTRIES, st.integers(0, 16), st.sampled_from([0.1, 1e9]))
def test_an_index_that_is_extended_is_that_of_all_at_once(rows, size, few):
    """At once or, where entries are few, without sorting the index again."""
    before, _ = built(rows[:size])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transforms.index, "_FEW", few)
        index, losers = extend_index(before, table(rows[size:], INDEX))
    again, lost = build_index(pa.concat_tables([table(rows[size:], INDEX), before]))
    assert index.equals(again)
    assert losers.equals(lost)


def test_an_owner_s_home_goes_before_an_orphan_s_and_the_smallest_before_others():
    orphan = oracle.item_hash("flickr", "1")
    rows = [{"source": "flickr", "item_id": "1", "home": home} for home in (orphan, 2**64 - 1, 2**63)]
    index, losers = built(rows)
    assert orphan < 2**64 - 1
    assert index["home"].to_pylist() == [2**63]
    assert sorted(losers["home"].to_pylist()) == sorted([orphan, 2**64 - 1])
    assert built(rows[:1])[0]["home"].to_pylist() == [orphan]


@given(worlds().flatmap(lambda world: st.tuples(st.just(world), entries(world))), st.data())
def test_homes_are_found_and_what_is_unknown_lives_as_an_orphan(made, data):
    world, rows = made
    pairs = st.tuples(st.sampled_from(SOURCES), st.sampled_from((*world.items, "never seen")))
    wanted = data.draw(st.lists(pairs, max_size=8))
    schema = pa.schema([INDEX.field("source"), INDEX.field("item_id")])
    asked = table([dict(zip(schema.names, pair, strict=True)) for pair in wanted], schema, "sliced")
    index, _ = built(rows)
    homes, _ = oracle.index(rows)
    found, known = find_homes(index, asked)
    assert known.tolist() == [pair in homes for pair in wanted]
    assert found.tolist() == [homes.get(pair, oracle.item_hash(*pair)) for pair in wanted]
