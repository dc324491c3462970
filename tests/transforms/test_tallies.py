"""Tallies: counted by hand with sets, they are the same; and they add up in any order and any tree."""

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    buckets,
    in_chunks,
    manifest_row,
    manifest_table,
    now,
    policies,
    reason_bits,
    shapes,
)

from transforms.decide import decide
from transforms.domain.schemas import EXCLUSIONS, TALLIES
from transforms.facts import join_facts
from transforms.tallies import merge, tally, tally_exclusions

FEWER = settings(max_examples=40)


@st.composite
def decided(draw):
    """Manifest, facts and reasons of a bucket: as rows, and as the arrays that the steps take."""
    bucket, policy = draw(buckets()), draw(policies())
    rows = bucket.manifest
    facts = bucket.expected()
    reasons = [oracle.decide_one(fact, policy) for fact in facts]
    table = bucket.facts()
    return (rows, facts, reasons), (manifest_table(rows, draw(shapes())), table, decide(table, policy))


def by_owner(arrays, buckets):
    """The rows of each bucket: an owner, and an item without one, lives in one of them."""
    manifest, facts, reasons = arrays
    places = [oracle.home(row) % buckets for row in manifest.to_pylist()]
    for bucket in range(buckets):
        rows = np.flatnonzero(np.array(places, np.int64) == bucket)
        yield manifest.take(rows), facts.take(rows), reasons[rows]


def counts(tallies):
    return {tuple(row.values())[:-2]: (row["items"], row["owners"]) for row in tallies.to_pylist()}


def first(arrays):
    manifest, _, reasons = arrays
    return tally_exclusions(manifest, reasons)


@given(decided())
def test_tally_is_what_counting_by_hand_gives(made):
    by_hand, arrays = made
    tallies = tally(*arrays)
    assert tallies.schema.equals(TALLIES)
    assert counts(tallies) == oracle.tally(*by_hand)
    assert sum(tallies["items"].to_pylist()) == len(by_hand[0])


@FEWER
@given(decided())
def test_tally_is_sorted_by_its_grain_with_nulls_last(made):
    grains = list(counts(tally(*made[1])))
    assert grains == sorted(grains, key=lambda grain: [(value is None, value or 0) for value in grain])


@given(decided())
def test_exclusions_are_what_counting_by_hand_gives(made):
    (rows, _, reasons), arrays = made
    exclusions = first(arrays)
    assert exclusions.schema.equals(EXCLUSIONS)
    assert [tuple(row.values()) for row in exclusions.to_pylist()] == oracle.exclusions(rows, reasons)
    assert sum(exclusions["first_items"].to_pylist()) == sum(map(bool, reasons))


@FEWER
@given(decided(), st.sampled_from((1, 2, 4, 8)), st.data())
def test_buckets_add_up_in_any_order_and_any_tree(made, buckets, data):
    _, arrays = made
    for whole, schema, of in (
        (tally(*arrays), TALLIES, lambda part: tally(*part)),
        (first(arrays), EXCLUSIONS, first),
    ):
        parts = [of(part) for part in by_owner(arrays, buckets)]
        at_once = merge(parts, schema)
        assert at_once.schema.equals(schema)
        # Owners too: none of them is counted in two buckets.
        assert sorted(map(repr, at_once.to_pylist())) == sorted(map(repr, whole.to_pylist()))
        forest = data.draw(st.permutations(parts))
        while len(forest) > 1:
            size = data.draw(st.integers(2, len(forest)))
            forest = [*forest[size:], merge(forest[:size], schema)]
        assert merge(forest, schema).equals(at_once)


@FEWER
@given(decided())
def test_merging_one_table_changes_nothing_but_chunks(made):
    tallies = tally(*made[1])
    assert merge([tallies], TALLIES).equals(tallies)
    assert merge([in_chunks(tallies, [1, 2])], TALLIES).equals(tallies)
    assert merge([TALLIES.empty_table(), tallies], TALLIES).equals(tallies)


@pytest.mark.parametrize("schema", [TALLIES, EXCLUSIONS])
def test_no_tables_merge_to_none(schema):
    assert merge([], schema).equals(schema.empty_table())


def test_one_name_in_two_sources_is_two_owners_and_no_owner_is_none():
    owners = [("flickr", "a"), ("flickr", "a"), ("commons", "a"), ("flickr", None), ("flickr", "b")]
    rows = [manifest_row(source, str(n), owner, []) for n, (source, owner) in enumerate(owners)]
    facts = join_facts(manifest_table(rows), now(manifest_table(rows), []))
    kept = tally(manifest_table(rows), facts, reason_bits([[]] * 5)).to_pylist()
    assert [(row["items"], row["owners"]) for row in kept] == [(5, 3)]
    out = [["opt_out_owner", "private"], ["private"], ["private"], ["private"], []]
    exclusions = tally_exclusions(manifest_table(rows), reason_bits(out)).to_pylist()
    assert [tuple(row.values()) for row in exclusions] == [("opt_out_owner", 1, 1, 1), ("private", 4, 2, 3)]
