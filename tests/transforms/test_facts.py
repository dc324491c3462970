"""Facts: what the vectorized join knows of each item is what reading the tables row by row tells."""

import datetime
import os
from dataclasses import replace
from pathlib import Path

import oracle
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    DAYS,
    FLICKR_PAGES,
    SAYING_NO,
    Bucket,
    buckets,
    cuts,
    in_chunks,
    leave,
    leave_tables,
    look,
    manifest_row,
    manifest_table,
    now,
    opted_out,
    shapes,
    target,
    worlds,
)

from transforms.domain import purposes
from transforms.domain.conformity import conform
from transforms.domain.schemas import FACTS, LICENSES
from transforms.facts import change_leave, join_facts
from transforms.formats import yfcc100m
from transforms.leave import NO_OF_TAGS, OWN_COLUMNS

FEWER = settings(max_examples=40)

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


@given(buckets(), shapes())
def test_facts_are_the_oracle_s_row_for_row(bucket, shape):
    facts = bucket.facts(shape)
    assert conform(facts, FACTS).column_names == FACTS.names
    assert facts.to_pylist() == bucket.expected()


@FEWER
@given(buckets(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_joined_does_not_matter(bucket, random):
    shuffled = {
        name: random.sample(rows, len(rows))
        for name in ("looks", "leave", "detections")
        for rows in [getattr(bucket, name)]
    }
    assert replace(bucket, **shuffled).facts().equals(bucket.facts())


@FEWER
@given(buckets(), cuts())
def test_chunks_do_not_matter(bucket, ends):
    whole = manifest_table(bucket.manifest)
    manifest = in_chunks(whole, ends)
    looks = [look(rows, ends=ends) for rows in bucket.looks]
    concerns = [in_chunks(each, ends) for each in bucket.concerns(manifest)]
    assert join_facts(manifest, in_chunks(now(manifest, looks), ends), *concerns).equals(bucket.facts())


@FEWER
@given(buckets().flatmap(lambda bucket: st.tuples(st.just(bucket), st.permutations(bucket.manifest))))
def test_a_row_s_facts_do_not_depend_on_its_place(made):
    bucket, otherwise = made
    place = {oracle.pair(row): place for place, row in enumerate(bucket.manifest)}
    signaled = {
        at: bucket.signaled[place[oracle.pair(row)]]
        for at, row in enumerate(otherwise)
        if place[oracle.pair(row)] in bucket.signaled
    }
    again = replace(bucket, manifest=otherwise, signaled=signaled).facts().to_pylist()
    facts = bucket.facts().to_pylist()
    assert again == [facts[place[oracle.pair(row)]] for row in otherwise]


@FEWER
@given(buckets(), worlds().flatmap(leave))
def test_an_opt_out_more_never_takes_a_no_away(bucket, more):
    known = {target(row) for row in bucket.leave}
    wider = replace(bucket, leave=bucket.leave + [row for row in more if target(row) not in known])
    before, after = bucket.facts(), wider.facts()
    for name in (name for name in FACTS.names if name.startswith("no_")):
        no = before[name].to_numpy()
        assert (no & after[name].to_numpy() == no).all()


@FEWER
@given(buckets())
def test_looks_at_other_items_do_no_harm(bucket):
    strangers = [[{**row, "item_id": f"{row['item_id']}-other"} for row in look] for look in bucket.looks]
    known = {row["item_id"] for row in bucket.manifest}
    strangers = [[row for row in look if row["item_id"] not in known] for look in strangers]
    assert replace(bucket, looks=bucket.looks + strangers).facts().equals(bucket.facts())


def test_an_owner_of_one_source_does_not_speak_for_another_s_nor_for_nobody():
    rows = [manifest_row(source, "1", owner, []) for source in ("flickr", "commons") for owner in ("a", None)]
    facts = Bucket(rows, [], [opted_out("owner", "flickr", "a")]).facts()
    assert facts["no_owner"].to_pylist() == [purposes.ALL, 0, 0, 0]


def test_who_is_called_so_once_is_meant_with_all_that_is_theirs():
    ann = manifest_row("flickr", "1", "a", [("page_url", FLICKR_PAGES[0])])
    others = [manifest_row("flickr", "2", owner, []) for owner in ("a", "b", None)]
    nobody = manifest_row("flickr", "3", None, [("page_url", FLICKR_PAGES[0])])
    elsewhere = manifest_row("commons", "1", "a", [])
    facts = Bucket([ann, *others, nobody, elsewhere], [], [opted_out("alias", "flickr", "ann", 5)]).facts()
    assert facts["no_owner"].to_pylist() == [5, 5, 0, 0, 5, 0]


def test_a_tag_says_no_to_computer_vision_and_a_list_to_what_it_names():
    rows = [manifest_row("flickr", str(n), None, [("tags", tags)]) for n, tags in enumerate(SAYING_NO)]
    search = purposes.BIT["search"]
    assert set(Bucket(rows, [], []).facts()["no_tag"].to_pylist()) == {NO_OF_TAGS}
    listed = Bucket(rows, [], [opted_out("tag", None, "nocv", search)]).facts()
    assert set(listed["no_tag"].to_pylist()) == {NO_OF_TAGS | search}
    assert purposes.names_of(NO_OF_TAGS) == [
        "generative-training",
        "discriminative-training",
        "ai-inference",
        "computer-vision",
        "face-detection",
        "face-recognition",
        "biometric-annotation",
    ]


def seen(day, visibility, license_id):
    return {
        **dict.fromkeys(LICENSES.names),
        "source": "flickr",
        "item_id": "1",
        "license": license_id,
        "visibility": visibility,
        "observed_on": day,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (seen(DAYS[1], "public", "CC-BY-2.0"), seen(DAYS[0], "deleted", "unknown")),
        (seen(DAYS[0], "deleted", "CC-BY-2.0"), seen(DAYS[0], "private", "CC0-1.0")),
        (seen(DAYS[0], "private", "CC-BY-2.0"), seen(DAYS[0], "unknown", "CC0-1.0")),
        (seen(DAYS[0], "unknown", "CC-BY-2.0"), seen(DAYS[0], "public", "CC0-1.0")),
        (seen(DAYS[0], "public", "CC-BY-2.0"), seen(DAYS[0], "public", "CC-BY-4.0")),
    ],
)
def test_the_first_of_two_looks_is_believed(one, other):
    manifest = manifest_table([manifest_row("flickr", "1", "a", [])])
    for looks in ([one], [one, other], [other, one], [other, one, other]):
        (facts,) = join_facts(manifest, now(manifest, [look([each]) for each in looks])).to_pylist()
        found = facts["license_now"], facts["visibility"], facts["observed"]
        assert found == (one["license"], one["visibility"], True)


@given(buckets(), st.data())
def test_facts_with_other_leave_are_those_joined_anew(bucket, data):
    before = data.draw(st.lists(st.sampled_from(bucket.leave), unique_by=target)) if bucket.leave else []
    facts = replace(bucket, leave=before).facts()
    manifest = manifest_table(bucket.manifest)
    changed = change_leave(facts, manifest.select(OWN_COLUMNS), *leave_tables(bucket.leave, manifest))
    assert changed.equals(bucket.facts())


@pytest.mark.parametrize(
    ("stated", "seen_on", "people"),
    [
        (None, [], "unknown"),
        (True, [], "present"),
        (False, [], "absent"),
        (None, [(0, False)], "absent"),
        (True, [(0, False)], "absent"),
        (False, [(1, False), (0, True)], "absent"),
        (False, [(0, False), (1, True)], "present"),
        (False, [(1, True), (1, False)], "present"),
    ],
)
def test_people_are_as_last_seen(stated, seen_on, people):
    row = manifest_row("flickr", "1", "a", [("person_present", stated)])
    saw = {"source": "flickr", "item_id": "1", "owner_id": None, "detector": None}
    rows = [{**saw, "person_present": present, "observed_on": DAYS[day]} for day, present in seen_on]
    for order in (rows, rows[::-1]):
        assert Bucket([row], [], [], detections=order).facts()["people"].to_pylist() == [people]


def test_nobody_looked():
    (facts,) = Bucket([manifest_row("flickr", "1", "a", [])], [], []).facts().to_pylist()
    assert facts["visibility"] == facts["people"] == "unknown"
    assert facts["observed"] is False
    assert facts["license_now"] == facts["license_then"]


def test_an_empty_bucket_has_no_facts():
    assert len(Bucket([], [[]], []).facts()) == 0


@pytest.mark.shared
def test_facts_of_a_real_manifest():
    files = sorted((SHARED / "yfcc100m").glob("*[!2]")) if SHARED.is_dir() else []
    blocks = [path.read_bytes() for path in files if path.is_file() and path.read_bytes()[:1].isdigit()]
    if not blocks:
        pytest.skip(f"there is no YFCC100M file in {SHARED}")
    parsed = [
        yfcc100m.parse(block, offset_bytes=0, line=0, settings=yfcc100m.variant(block, "here")).rows
        for block in blocks
    ]
    manifest = pa.concat_tables(parsed).combine_chunks()
    rows = manifest.to_pylist()
    day = datetime.date(2026, 11, 1)
    looks = [seen(day, "deleted", "unknown") | {"item_id": row["item_id"]} for row in rows[::3]]
    leave = [opted_out("owner", "flickr", owner) for owner in {row["owner_id"] for row in rows[::5]}]
    facts = join_facts(manifest, now(manifest, [look(looks)]), *leave_tables(leave, manifest))
    assert facts.to_pylist() == [oracle.facts_one(row, looks, leave) for row in rows]
    assert 0 < facts["no_owner"].to_pylist().count(0) < len(rows)
