"""Facts: what the vectorized join knows of each item is what reading the tables row by row tells."""

import datetime
import os
from pathlib import Path

import oracle
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    DAYS,
    IMAGES,
    PAGES,
    SAYING_NO,
    URL_KEYS,
    Bucket,
    buckets,
    cuts,
    in_chunks,
    look,
    manifest_row,
    manifest_table,
    now,
    opt_outs_table,
    shapes,
    worlds,
)
from strategies import opt_outs as some_opt_outs

from transforms.domain import reasons
from transforms.domain.schemas import FACTS, LEDGER, LICENSES, OPT_OUTS, conform
from transforms.facts import MANIFEST_COLUMNS, OWN_COLUMNS, change_opt_outs, join_facts
from transforms.formats import yfcc100m
from transforms.ledger import newest

FEWER = settings(max_examples=40)
NOTHING = newest(LEDGER.empty_table())

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def joined(bucket, shape="plain"):
    manifest = manifest_table(bucket.manifest, shape)
    known = now(manifest, [look(rows, shape) for rows in bucket.looks])
    return join_facts(manifest, known, opt_outs_table(bucket.opt_outs, shape))


def named(facts):
    """The facts as rows, opt-outs by name."""
    rows = facts.to_pylist()
    for row in rows:
        bits = row["opt_outs"]
        row["opt_outs"] = {kind for kind, bit in reasons.OPT_OUT_BITS.items() if bits & bit}
        assert bits < 2 ** len(reasons.OPT_OUT_BITS)
    return rows


@given(buckets(), shapes())
def test_facts_are_the_oracle_s_row_for_row(bucket, shape):
    facts = joined(bucket, shape)
    assert conform(facts, FACTS).column_names == FACTS.names
    assert named(facts) == [
        oracle.facts_one(row, bucket.all_looks, bucket.opt_outs) for row in bucket.manifest
    ]


@FEWER
@given(
    buckets().flatmap(lambda b: st.tuples(st.just(b), st.permutations(b.looks), st.permutations(b.opt_outs)))
)
def test_the_order_of_looks_and_of_opt_outs_does_not_matter(made):
    bucket, looks, opt_outs = made
    again = Bucket(bucket.manifest, looks, [*opt_outs, *opt_outs[:2]])
    assert joined(again).equals(joined(bucket))


@FEWER
@given(buckets(), cuts())
def test_chunks_do_not_matter(bucket, ends):
    manifest = in_chunks(manifest_table(bucket.manifest), ends)
    looks = [look(rows, ends=ends) for rows in bucket.looks]
    known = in_chunks(now(manifest, looks), ends)
    facts = join_facts(manifest, known, in_chunks(opt_outs_table(bucket.opt_outs), ends))
    assert facts.equals(joined(bucket))


@FEWER
@given(buckets().flatmap(lambda bucket: st.tuples(st.just(bucket), st.permutations(bucket.manifest))))
def test_a_row_s_facts_do_not_depend_on_its_neighbors(made):
    bucket, otherwise = made
    by_item = dict(zip(map(oracle.pair, bucket.manifest), joined(bucket).to_pylist(), strict=True))
    again = joined(Bucket(otherwise[:5], bucket.looks, bucket.opt_outs)).to_pylist()
    assert again == [by_item[oracle.pair(row)] for row in otherwise[:5]]


@FEWER
@given(buckets(), worlds().flatmap(some_opt_outs))
def test_an_opt_out_more_never_takes_a_bit_away(bucket, more):
    before = joined(bucket)["opt_outs"].to_numpy()
    after = joined(Bucket(bucket.manifest, bucket.looks, bucket.opt_outs + more))["opt_outs"].to_numpy()
    assert (before & after == before).all()


@FEWER
@given(buckets())
def test_looks_at_other_items_do_no_harm(bucket):
    strangers = [[{**row, "item_id": f"{row['item_id']}-other"} for row in look] for look in bucket.looks]
    known = {row["item_id"] for row in bucket.manifest}
    strangers = [[row for row in look if row["item_id"] not in known] for look in strangers]
    assert joined(Bucket(bucket.manifest, bucket.looks + strangers, bucket.opt_outs)).equals(joined(bucket))


@pytest.mark.parametrize("column", ["page_url", "image_url"])
@pytest.mark.parametrize("url", [*PAGES, *IMAGES])
def test_a_url_is_met_in_either_column_in_any_spelling(column, url):
    rows = [manifest_row("flickr", "1", "a", [(column, url)]), manifest_row("flickr", "2", "a", [])]
    opt_out = {"kind": "url", "source": None, "raw": url, "received_on": DAYS[0]}
    for key in URL_KEYS:
        facts = named(join_facts(manifest_table(rows), NOTHING, opt_outs_table([{**opt_out, "key": key}])))
        expected = {"url"} if key == oracle.plain_url(url) else set()
        assert [row["opt_outs"] for row in facts] == [expected, set()]
    assert oracle.plain_url(url) in URL_KEYS


def test_url_columns_are_needed_only_where_an_opt_out_names_a_url():
    manifest = manifest_table([manifest_row("flickr", "1", "a", [("page_url", PAGES[1])])])
    narrow = manifest.select(MANIFEST_COLUMNS)
    owner = {"kind": "owner", "source": "flickr", "key": "a", "raw": "a", "received_on": DAYS[0]}
    url = {**owner, "kind": "url", "source": None, "key": "photos.example.org/2"}
    assert named(join_facts(narrow, NOTHING, opt_outs_table([owner])))[0]["opt_outs"] == {"owner"}
    assert named(join_facts(manifest, NOTHING, opt_outs_table([owner, url])))[0]["opt_outs"] == {
        "owner",
        "url",
    }
    with pytest.raises(KeyError):
        join_facts(narrow, NOTHING, opt_outs_table([url]))


@pytest.mark.parametrize("tags", SAYING_NO)
def test_a_tag_that_says_no_needs_no_list(tags):
    manifest = manifest_table([manifest_row("flickr", "1", None, [("tags", tags)])])
    assert named(join_facts(manifest, NOTHING, OPT_OUTS.empty_table()))[0]["opt_outs"] == {"tag"}


def test_an_owner_of_one_source_does_not_speak_for_another_s_nor_for_nobody():
    rows = [manifest_row(source, "1", owner, []) for source in ("flickr", "commons") for owner in ("a", None)]
    owner = {"kind": "owner", "source": "flickr", "key": "a", "raw": "a", "received_on": DAYS[0]}
    facts = join_facts(manifest_table(rows), NOTHING, opt_outs_table([owner]))
    assert [row["opt_outs"] for row in named(facts)] == [{"owner"}, set(), set(), set()]


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
        facts = named(
            join_facts(manifest, now(manifest, [look([each]) for each in looks]), OPT_OUTS.empty_table())
        )
        found = facts[0]["license_now"], facts[0]["visibility"], facts[0]["observed"]
        assert found == (one["license"], one["visibility"], True)


@given(buckets(), st.data())
def test_facts_with_other_items_and_owners_opted_out_are_those_joined_anew(bucket, data):
    own = [entry for entry in bucket.opt_outs if entry["kind"] in ("item", "owner")]
    wide = [entry for entry in bucket.opt_outs if entry["kind"] not in ("item", "owner")]
    before = data.draw(st.lists(st.sampled_from(own), unique_by=id)) if own else []
    facts = joined(Bucket(bucket.manifest, bucket.looks, before + wide))
    manifest = manifest_table(bucket.manifest).select(OWN_COLUMNS)
    changed = change_opt_outs(facts, manifest, opt_outs_table(own))
    assert changed.equals(joined(Bucket(bucket.manifest, bucket.looks, own + wide)))


def test_nobody_looked():
    facts = named(joined(Bucket([manifest_row("flickr", "1", "a", [])], [], [])))
    assert facts[0]["visibility"] == "unknown"
    assert facts[0]["observed"] is False
    assert facts[0]["license_now"] == facts[0]["license_then"]


def test_an_empty_bucket_has_no_facts():
    assert len(joined(Bucket([], [[]], []))) == 0


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
    opt_outs = [
        {"kind": "owner", "source": "flickr", "key": row["owner_id"], "raw": "", "received_on": day}
        for row in rows[::5]
    ]
    facts = join_facts(manifest, now(manifest, [look(looks)]), opt_outs_table(opt_outs))
    assert named(facts) == [oracle.facts_one(row, looks, opt_outs) for row in rows]
    assert facts["opt_outs"].to_pylist().count(0) < len(rows)
