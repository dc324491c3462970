"""Sub-buckets: every item has one place, its key is a plain integer, and places nest."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import IDS

from transforms.domain import subbuckets
from transforms.domain.keys import item_hash
from transforms.domain.subbuckets import SubBucket, divide, finest

BUCKETS = st.sampled_from((1, 2, 16, 1024))


@st.composite
def placed(draw):
    """A number of buckets, and a place among them."""
    buckets, parts = draw(BUCKETS), 1 << draw(st.integers(0, 6))
    return buckets, SubBucket(draw(st.integers(0, buckets - 1)), parts, draw(st.integers(0, parts - 1)))


@given(placed())
def test_a_key_says_where_it_is(made):
    buckets, place = made
    key = place.key(buckets)
    assert SubBucket.of(key, buckets) == place
    assert subbuckets.home(key, buckets) == place.bucket
    assert subbuckets.is_divided(key, buckets) == (place.parts > 1)
    assert (key == place.bucket) == (place.parts == 1)


@given(BUCKETS, st.data())
def test_no_two_places_have_one_key(buckets, data):
    every = [
        SubBucket(bucket, 1 << power, part)
        for bucket in data.draw(st.sets(st.integers(0, buckets - 1), min_size=1, max_size=4))
        for power in range(5)
        for part in range(1 << power)
    ]
    assert len({place.key(buckets) for place in every}) == len(every)


@given(st.integers(0, 10_000), st.integers(1, 500))
def test_a_bucket_is_divided_into_the_fewest_parts_that_fit(rows, limit):
    parts = len(divide(3, rows, limit))
    assert [(place.bucket, place.parts, place.part) for place in divide(3, rows, limit)] == [
        (3, parts, part) for part in range(parts)
    ]
    assert parts & (parts - 1) == 0
    assert rows / parts <= limit
    assert parts == 1 or rows / (parts // 2) > limit


@given(st.lists(st.tuples(st.sampled_from(("flickr", "commons")), IDS), max_size=20), st.integers(0, 5))
def test_every_row_lives_in_one_part_of_each_division(rows, power):
    table = pa.table(
        {name: pa.array([r[n] for r in rows], pa.string()) for n, name in enumerate(("source", "item_id"))}
    )
    parts = [SubBucket(0, 1 << power, part).select(table).to_pylist() for part in range(1 << power)]
    assert sorted(repr(row) for part in parts for row in part) == sorted(map(repr, table.to_pylist()))
    for part, found in enumerate(parts):
        for row in found:
            hashed = int(item_hash(pa.array([row["source"]]), pa.array([row["item_id"]]))[0])
            assert (hashed >> 32) % (1 << power) == part


@given(placed(), st.integers(0, 6), st.integers(0, 63), st.integers(0, 1))
def test_places_meet_if_an_item_can_live_in_both(made, power, part, further):
    _, place = made
    other = SubBucket(place.bucket + further, 1 << power, part % (1 << power))
    hashes = np.arange(64)
    lives = [np.flatnonzero(hashes % each.parts == each.part) for each in (place, other)]
    assert place.meets(other) == other.meets(place) == (not further and len(np.intersect1d(*lives)) > 0)


@given(BUCKETS, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=2), st.data())
def test_finest_places_cover_what_tables_hold_once(buckets, powers, data):
    """Two tables divide two buckets each in its own way, and hold some of their places."""
    tables = []
    for division in powers:
        held = set()
        for bucket, power in enumerate(division[: min(2, buckets)]):
            parts = data.draw(st.sets(st.integers(0, (1 << power) - 1)))
            held |= {SubBucket(bucket, 1 << power, part).key(buckets) for part in parts}
        tables.append(held)
    found = list(finest(tables, buckets))
    assert found == sorted(set(found))
    for a in found:
        assert [b for b in found if a.meets(b)] == [a]
    for table in tables:
        for place in (SubBucket.of(key, buckets) for key in table):
            covered = [each for each in found if each.meets(place)]
            assert covered
            assert all(each.parts >= place.parts for each in covered)
            assert sum(1 / each.parts for each in covered) == pytest.approx(1 / place.parts)
    for each in found:
        assert any(each.meets(SubBucket.of(key, buckets)) for table in tables for key in table)
