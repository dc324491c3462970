"""Tallies by owner: parts that share owners come to the tallies of the whole, in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tallies import decided

from transforms.domain.schemas import EXCLUSIONS, TALLIES, TALLIES_BY_OWNER
from transforms.ownertallies import merge_by_owner, tally_by_owner
from transforms.tallies import tally, tally_exclusions

FEWER = settings(max_examples=50)


@st.composite
def divided(draw):
    """What was decided of a bucket, and the same rows in parts by any rule at all."""
    _, arrays = draw(decided())
    manifest, facts, reasons = arrays
    part = np.array(draw(st.lists(st.integers(0, 3), min_size=len(reasons), max_size=len(reasons))), np.int64)
    rows = [np.flatnonzero(part == number) for number in draw(st.permutations(range(4)))]
    return arrays, [(manifest.take(some), facts.take(some), reasons[some]) for some in rows]


@FEWER
@given(divided())
def test_parts_come_to_the_tallies_of_the_whole(made):
    (manifest, facts, reasons), parts = made
    tallies, exclusions = merge_by_owner([tally_by_owner(*part) for part in parts])
    assert tallies.schema.equals(TALLIES)
    assert exclusions.schema.equals(EXCLUSIONS)
    assert tallies.to_pylist() == tally(manifest, facts, reasons).to_pylist()
    assert exclusions.to_pylist() == tally_exclusions(manifest, reasons).to_pylist()


@FEWER
@given(divided())
def test_a_part_is_counted_the_same_in_any_order_of_its_rows(made):
    (manifest, facts, reasons), _ = made
    counted = tally_by_owner(manifest, facts, reasons)
    back = np.arange(len(reasons))[::-1]
    assert counted.schema.equals(TALLIES_BY_OWNER)
    assert tally_by_owner(manifest.take(back), facts.take(back), reasons[back]).equals(counted)
    assert sum(counted["items"].to_pylist()) == len(reasons)
    grain = [tuple(row.values())[:-1] for row in counted.to_pylist()]
    assert len(set(grain)) == len(grain)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_comes_to_nothing(count):
    tallies, exclusions = merge_by_owner([TALLIES_BY_OWNER.empty_table()] * count)
    assert (len(tallies), len(exclusions)) == (0, 0)
    assert tallies.schema.equals(TALLIES)
