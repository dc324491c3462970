"""Verdicts: every reason of every row is the oracle's, nothing unknown is let in, and no is no."""

from dataclasses import replace

import numpy as np
import oracle
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    DAYS,
    LICENSE_IDS,
    Bucket,
    buckets,
    look,
    manifest_row,
    manifest_table,
    now,
    opt_outs_table,
    policies,
    reason_bits,
    worlds,
)
from strategies import opt_outs as some_opt_outs

from transforms.decide import decide, first_reason
from transforms.domain.policy import Policy
from transforms.domain.reasons import BIT, OPT_OUT_BITS, PRECEDENCE, REASONS
from transforms.facts import join_facts

FEWER = settings(max_examples=40)

OPT_OUT_MASK = np.uint32(sum(OPT_OUT_BITS.values()))
ALL = Policy("research-noncommercial", LICENSE_IDS[:-1], "newest", "keep", "keep", "keep", "keep", "keep")


def facts_of(bucket):
    manifest = manifest_table(bucket.manifest)
    known = now(manifest, [look(rows) for rows in bucket.looks])
    return join_facts(manifest, known, opt_outs_table(bucket.opt_outs))


def oracle_facts(bucket):
    return [oracle.facts_one(row, bucket.all_looks, bucket.opt_outs) for row in bucket.manifest]


@given(buckets(), policies())
def test_reasons_are_the_oracle_s_row_for_row(bucket, policy):
    expected = [oracle.decide_one(fact, policy) for fact in oracle_facts(bucket)]
    reasons = decide(facts_of(bucket), policy)
    assert reasons.dtype == np.uint32
    assert reasons.tolist() == reason_bits(expected).tolist()
    assert first_reason(reasons).to_pylist() == [(why or [None])[0] for why in expected]


@FEWER
@given(buckets(), policies())
def test_unknown_is_kept_only_where_the_policy_says_so(bucket, policy):
    facts = facts_of(bucket)
    deciding = "license_now" if policy.license_change == "newest" else "license_then"
    for row, reasons in zip(facts.to_pylist(), decide(facts, policy).tolist(), strict=True):
        if reasons == 0:
            assert row[deciding] in policy.allowed or (
                row[deciding] == "unknown" and policy.unknown_license == "keep"
            )
            assert row["visibility"] != "unknown" or policy.unknown_visibility == "keep"
            assert row["visibility"] != "deleted" or policy.deleted == "keep"
            assert row["visibility"] != "private" or policy.private == "keep"
            assert row["visibility"] != "missing" or policy.missing == "keep"


@st.composite
def more_opt_outs(draw):
    """A bucket, and opt-outs beside its own: by strangers, and by its own owners and items."""
    bucket = draw(buckets())
    more = draw(worlds().flatmap(some_opt_outs))
    for row in draw(st.lists(st.sampled_from(bucket.manifest), max_size=2)) if bucket.manifest else []:
        kind, key = draw(st.sampled_from([("item", row["item_id"]), ("owner", row["owner_id"] or "nobody")]))
        more.append(
            {"kind": kind, "source": row["source"], "key": key, "raw": key, "received_on": DAYS[0]},
        )
    return bucket, more


@given(more_opt_outs(), policies())
def test_an_opt_out_more_never_keeps_more(made, policy):
    bucket, more = made
    before = decide(facts_of(bucket), policy)
    after = decide(facts_of(Bucket(bucket.manifest, bucket.looks, bucket.opt_outs + more)), policy)
    assert (before & after == before).all()


@FEWER
@given(buckets(), policies())
def test_no_policy_overrules_an_opt_out(bucket, policy):
    facts = facts_of(bucket)
    opted_out = facts["opt_outs"].to_numpy() > 0
    for some in (policy, ALL):
        reasons = decide(facts, some)
        assert (reasons[opted_out] & OPT_OUT_MASK > 0).all()
        assert (reasons[~opted_out] & OPT_OUT_MASK == 0).all()


@FEWER
@given(buckets())
def test_the_most_lenient_policy_keeps_whoever_did_not_opt_out(bucket):
    facts = facts_of(bucket)
    assert (decide(facts, ALL) == facts["opt_outs"].to_numpy()).all()


@FEWER
@given(buckets(), policies(), st.sampled_from(LICENSE_IDS[:-1]))
def test_a_license_more_never_excludes_more(bucket, policy, license_id):
    wider = replace(policy, allowed=tuple(sorted({*policy.allowed, license_id})))
    before, after = decide(facts_of(bucket), policy), decide(facts_of(bucket), wider)
    assert (before & after == after).all()


@FEWER
@given(
    buckets(),
    policies(),
    st.sampled_from(["unknown_license", "private", "deleted", "missing", "unknown_visibility"]),
)
def test_to_keep_is_never_stricter_than_to_exclude(bucket, policy, field):
    keep, exclude = (
        decide(facts_of(bucket), replace(policy, **{field: does})) for does in ("keep", "exclude")
    )
    assert (keep & exclude == keep).all()


@FEWER
@given(buckets(), policies())
def test_as_ingested_looks_at_no_later_license(bucket, policy):
    policy = replace(policy, license_change="as_ingested")
    changed = [[{**row, "license": "all-rights-reserved"} for row in look] for look in bucket.looks]
    reasons = decide(facts_of(bucket), policy)
    again = decide(facts_of(Bucket(bucket.manifest, changed, bucket.opt_outs)), policy)
    assert (reasons == again).all()
    assert not (reasons & np.uint32(BIT["license_withdrawn"])).any()


def test_newest_and_as_ingested_differ_where_the_license_was_withdrawn():
    row = manifest_row("flickr", "1", "a", [])
    seen = {"source": "flickr", "item_id": "1", "owner_id": None, "license_raw": None, "visibility": "public"}
    look = {**seen, "license": "all-rights-reserved", "observed_on": DAYS[0]}
    facts = facts_of(Bucket([row], [[look]], []))
    policy = replace(ALL, allowed=("CC-BY-2.0",))
    both = BIT["license_withdrawn"] | BIT["license_not_allowed"]
    assert decide(facts, policy).tolist() == [both]
    assert decide(facts, replace(policy, license_change="as_ingested")).tolist() == [0]


@pytest.mark.parametrize("does", ["exclude", "keep"])
def test_what_is_missing_has_no_license_either(does):
    manifest = manifest_table([manifest_row("flickr", "1", "a", [])])
    known = pa.table({"row": [0], "license": ["unknown"], "visibility": ["missing"]})
    facts = join_facts(manifest, known, opt_outs_table([]))
    reasons = decide(facts, replace(ALL, missing=does, unknown_license="exclude"))
    assert first_reason(reasons).to_pylist() == ["missing" if does == "exclude" else "license_unknown"]
    assert reasons.tolist() == [BIT["license_unknown"] | (BIT["missing"] if does == "exclude" else 0)]


@FEWER
@given(st.lists(st.integers(0, 2 ** len(REASONS) - 1), max_size=20))
def test_the_first_reason_is_the_one_of_highest_precedence(bits):
    expected = [next((name for name in PRECEDENCE if some & BIT[name]), None) for some in bits]
    found = first_reason(np.array(bits, np.uint32))
    assert pa.types.is_dictionary(found.type)
    assert found.to_pylist() == expected


def test_reasons_keep_their_places():
    """Bits are written into releases: a reason may be appended, never moved."""
    assert REASONS[:11] == (
        "opt_out_item",
        "opt_out_owner",
        "opt_out_url",
        "opt_out_tag",
        "deleted",
        "private",
        "visibility_unknown",
        "license_unknown",
        "license_withdrawn",
        "license_not_allowed",
        "missing",
    )
    assert [BIT[f"opt_out_{kind}"] for kind in OPT_OUT_BITS] == list(OPT_OUT_BITS.values())


@pytest.mark.parametrize("license_change", ["newest", "as_ingested"])
def test_nothing_in_nothing_out(license_change):
    assert len(decide(facts_of(Bucket([], [], [])), replace(ALL, license_change=license_change))) == 0
