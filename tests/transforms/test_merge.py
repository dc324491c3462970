"""Merge: one row for each item by a rule over contents, whatever came first and however often it is done."""

import itertools

import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    DAYS,
    VALUES,
    cuts,
    exactly,
    in_chunks,
    licenses,
    licenses_table,
    manifest_row,
    manifest_table,
    manifests,
    table,
    worlds,
)

from transforms.domain.schemas import DETECTIONS, INDEX, LICENSES, MANIFEST
from transforms.merge import merge_detections, merge_licenses, merge_manifest

MANIFESTS = worlds().flatmap(manifests)
LOOKS = worlds().flatmap(lambda world: licenses(world, days=(*DAYS, None)))
NO_LOSERS = INDEX.empty_table()


def losers_of(rows):
    """The homes that lost among ``rows``, as the index finds them."""
    entries = [{"source": r["source"], "item_id": r["item_id"], "home": oracle.home(r)} for r in rows]
    lost = sorted(oracle.index(entries)[1])
    return [dict(zip(INDEX.names, loser, strict=True)) for loser in lost]


def merged(rows, losers=None):
    losers = losers_of(rows) if losers is None else losers
    return merge_manifest(manifest_table(rows), table(losers, INDEX))


def shuffled(rows):
    return st.permutations(rows)


@given(MANIFESTS)
def test_manifest_is_the_oracle_s(rows):
    bucket = merged(rows)
    assert bucket.schema.equals(MANIFEST)
    assert exactly(bucket) == exactly(oracle.merge_manifest(rows, losers_of(rows)))
    assert len({oracle.pair(row) for row in rows}) == len(bucket)


@pytest.mark.parametrize("name", VALUES)
def test_rows_that_differ_in_one_column_have_one_winner(name):
    for values in itertools.combinations(VALUES[name], 2):
        one, other = (manifest_row("flickr", "1", "a", [(name, value)]) for value in values)
        expected = exactly(oracle.merge_manifest([one, other], []))
        assert exactly(merged([one, other])) == exactly(merged([other, one])) == expected


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("longitude", -0.0, 0.0),
        ("latitude", -0.0, 0.0),
        ("tags", ["cat\x1fdog", "x"], ["cat", "dog\x1fx"]),
        ("machine_tags", [], [""]),
        ("title", "nul", "nul\0"),
        ("owner_name", "", None),
    ],
)
def test_even_rows_that_look_alike_have_one_winner(name, one, other):
    rows = [manifest_row("flickr", "1", "a", [(name, value)]) for value in (one, other)]
    expected = exactly(oracle.merge_manifest(rows, []))
    assert exactly(merged(rows)) == exactly(merged(rows[::-1])) == expected


@given(MANIFESTS.flatmap(lambda rows: st.tuples(st.just(rows), shuffled(rows))), cuts(), cuts())
def test_manifest_does_not_depend_on_the_order_or_the_chunks_of_rows(orders, ends, loser_ends):
    rows, otherwise = orders
    losers = table(losers_of(rows)[::-1], INDEX)
    again = merge_manifest(in_chunks(manifest_table(otherwise), ends), in_chunks(losers, loser_ends))
    assert exactly(again) == exactly(merged(rows))


@given(MANIFESTS, st.integers(0, 12))
def test_manifest_merged_in_two_steps_is_that_of_one(rows, cut):
    first, second = rows[:cut], rows[cut:]
    before = merged(first).to_pylist()
    # The second step only knows what its own index says: the homes kept so far, and the new ones.
    assert exactly(merged([*before, *second])) == exactly(merged(rows))
    assert exactly(merged([*before, *second], losers_of(rows))) == exactly(merged(rows))
    assert exactly(merged([*before, *merged(second).to_pylist()])) == exactly(merged(rows))


@given(MANIFESTS)
def test_merging_again_changes_nothing(rows):
    once = merged(rows)
    assert exactly(merge_manifest(once, NO_LOSERS)) == exactly(once)
    assert exactly(merge_manifest(once, table(losers_of(rows), INDEX))) == exactly(once)


def test_only_the_losing_home_goes():
    rows = [manifest_row("flickr", item, owner, []) for item in "12" for owner in ("a", "b", None)]
    homes = {row["owner_id"]: oracle.home(row) for row in rows if row["item_id"] == "1"}
    losers = [{"source": "flickr", "item_id": "1", "home": homes[owner]} for owner in ("b", None)]
    losers.append({"source": "commons", "item_id": "1", "home": homes["a"]})
    left = [(row["item_id"], row["owner_id"]) for row in merged(rows, losers).to_pylist()]
    assert ("1", "a") in left
    assert ("1", "b") not in left
    assert ("1", None) not in left
    assert ("2", "a") in left


def test_nothing_merges_to_nothing():
    assert len(merged([])) == 0
    assert len(merge_licenses(LICENSES.empty_table())) == 0


@given(LOOKS, cuts())
def test_licenses_are_the_oracle_s(rows, ends):
    expected = exactly(oracle.merge_licenses(rows))
    bucket = merge_licenses(licenses_table(rows))
    assert bucket.schema.equals(LICENSES)
    assert exactly(bucket) == expected
    assert exactly(merge_licenses(in_chunks(licenses_table(rows), ends))) == expected


@given(LOOKS.flatmap(lambda rows: st.tuples(st.just(rows), shuffled(rows))), st.integers(0, 12))
def test_licenses_are_the_same_in_any_order_and_any_steps(orders, cut):
    rows, otherwise = orders
    whole = merge_licenses(licenses_table(rows))
    assert exactly(merge_licenses(licenses_table(otherwise))) == exactly(whole)
    assert exactly(merge_licenses(whole)) == exactly(whole)
    before = merge_licenses(licenses_table(otherwise[:cut])).to_pylist()
    assert exactly(merge_licenses(licenses_table([*before, *otherwise[cut:]]))) == exactly(whole)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("visibility", oracle.WORST_FIRST),
        (
            "license",
            ("unknown", "all-rights-reserved", "CC-BY-NC-ND-2.0", "CC-BY-2.0", "CC-BY-4.0", "CC0-1.0"),
        ),
        ("license_raw", ("", "0", None)),
        ("owner_id", ("a", "ab", None)),
    ],
)
def test_of_looks_on_one_day_that_differ_in_one_column_the_first_is_believed(name, values):
    plain = {"source": "flickr", "item_id": "1", "owner_id": None, "license": "CC0-1.0", "license_raw": None}
    for pair in itertools.combinations(values, 2):
        one, other = (
            {**plain, "visibility": "public", "observed_on": DAYS[0], name: value} for value in pair
        )
        for rows in ([one, other], [other, one]):
            assert exactly(merge_licenses(licenses_table(rows))) == exactly([one])


@pytest.mark.parametrize("ids", [("1", "2", "10"), ("a", "x" * 40, "é"), ("1", "a")])
def test_looks_on_several_days_all_stay_and_the_snapshot_s_own_day_is_the_last(ids):
    plain = {"owner_id": None, "license": "CC0-1.0", "license_raw": None, "visibility": "public"}
    rows = [
        {"source": source, "item_id": item, **plain, "observed_on": day}
        for source in ("commons", "flickr")
        for item in sorted(ids)
        for day in (*DAYS, None)
    ]
    columns = [{name: row[name] for name in LICENSES.names} for row in rows]
    assert exactly(merge_licenses(licenses_table(columns[::-1] * 2))) == exactly(columns)


DETECTED = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["flickr", "commons"]),
            "item_id": st.sampled_from(["1", "2", "10"]),
            "owner_id": st.sampled_from([None, "a"]),
            "person_present": st.booleans(),
            "detector": st.sampled_from([None, "a", "b"]),
            "observed_on": st.sampled_from([None, *DAYS]),
        }
    ),
    max_size=12,
)


@given(DETECTED.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows), st.integers(0, 12))))
def test_of_what_was_seen_on_one_day_people_count_whatever_came_first(case):
    rows, otherwise, cut = case
    merged = merge_detections(table(rows, DETECTIONS))
    seen = {}
    for row in rows:
        key = (row["source"], row["item_id"], row["observed_on"])
        seen[key] = seen.get(key, False) or row["person_present"]
    found = {(r["source"], r["item_id"], r["observed_on"]): r["person_present"] for r in merged.to_pylist()}
    assert found == seen
    assert len(merged) == len(seen)
    before = merge_detections(table(otherwise[:cut], DETECTIONS)).to_pylist()
    assert exactly(merge_detections(table([*before, *otherwise[cut:]], DETECTIONS))) == exactly(merged)
