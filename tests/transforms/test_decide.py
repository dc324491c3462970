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
    leave,
    manifest_row,
    manifest_table,
    opted_out,
    policies,
    reason_bits,
    target,
    worlds,
)

from transforms.decide import decide, first_reason, said_no
from transforms.domain import purposes
from transforms.domain.policy import Policy
from transforms.domain.reasons import BIT, OPT_OUTS, PRECEDENCE, REASONS
from transforms.facts import join_facts

FEWER = settings(max_examples=40)

SAID_NO = np.uint32(
    sum(BIT[reason] for reason in ("consent_refused", "signal_no", *(f"opt_out_{kind}" for kind in OPT_OUTS)))
)
ALL = Policy(
    "research-noncommercial",
    LICENSE_IDS[:-1],
    "newest",
    *("keep",) * 5,
    unreadable_signal="keep",
    unknown_signal="keep",
    people_present="keep",
    people_unknown="keep",
)


@given(buckets(), policies())
def test_reasons_are_the_oracle_s_row_for_row(bucket, policy):
    expected = [oracle.decide_one(fact, policy) for fact in bucket.expected()]
    reasons = decide(bucket.facts(), policy)
    assert reasons.dtype == np.uint32
    assert reasons.tolist() == reason_bits(expected).tolist()
    assert first_reason(reasons).to_pylist() == [(why or [None])[0] for why in expected]


@FEWER
@given(buckets(), policies())
def test_unknown_is_kept_only_where_the_policy_says_so(bucket, policy):
    facts = bucket.facts()
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


@given(buckets(), policies(), worlds().flatmap(leave))
def test_an_opt_out_more_never_keeps_more(bucket, policy, more):
    known = {target(row) for row in bucket.leave}
    nothing_granted = [{**row, "owner_said": None, "granted_by_depicted": 0} for row in more]
    theirs = [opted_out("item", row["source"], row["item_id"]) for row in bucket.manifest[:2]]
    added = {target(row): row for row in [*nothing_granted, *theirs] if target(row) not in known}
    before = decide(bucket.facts(), policy)
    after = decide(replace(bucket, leave=[*bucket.leave, *added.values()]).facts(), policy)
    assert (before & after == before).all()


@FEWER
@given(buckets(), policies())
def test_no_policy_overrules_a_no(bucket, policy):
    facts = bucket.facts()
    bit = purposes.BIT[policy.purpose]
    columns = [*(f"no_{kind}" for kind in OPT_OUTS), "refused", "signal_no"]
    no = np.any([facts[name].to_numpy() & bit != 0 for name in columns], axis=0)
    for some in (policy, replace(ALL, purpose=policy.purpose)):
        reasons = decide(facts, some)
        assert (reasons[no] & SAID_NO > 0).all()
        assert (reasons[~no] & SAID_NO == 0).all()


@FEWER
@given(buckets())
def test_the_most_lenient_policy_keeps_whoever_did_not_say_no(bucket):
    facts = bucket.facts()
    assert (decide(facts, ALL) == said_no(facts, ALL.purpose)).all()


@FEWER
@given(buckets(), policies(), st.sampled_from(purposes.PURPOSES))
def test_who_grants_more_is_never_left_out_for_more(bucket, policy, purpose):
    said = [[*(row["owner_said"] or [-1] * 16)] for row in bucket.leave]
    for words in said:
        words[purposes.PURPOSES.index(purpose)] = 8  # later than anything else
    granting = [{**row, "owner_said": words} for row, words in zip(bucket.leave, said, strict=True)]
    before, after = (decide(each.facts(), policy) for each in (bucket, replace(bucket, leave=granting)))
    assert (before & after == after).all()


@FEWER
@given(buckets(), policies(), st.sampled_from(LICENSE_IDS[:-1]))
def test_a_license_more_never_excludes_more(bucket, policy, license_id):
    wider = replace(policy, allowed=tuple(sorted({*policy.allowed, license_id})))
    before, after = decide(bucket.facts(), policy), decide(bucket.facts(), wider)
    assert (before & after == after).all()


@FEWER
@given(
    buckets(),
    policies(),
    st.sampled_from(
        [
            *("unknown_license", "private", "deleted", "missing", "unknown_visibility"),
            *("unreadable_signal", "unknown_signal", "people_present", "people_unknown"),
        ]
    ),
)
def test_to_keep_is_never_stricter_than_to_exclude(bucket, policy, field):
    keep, exclude = (decide(bucket.facts(), replace(policy, **{field: does})) for does in ("keep", "exclude"))
    assert (keep & exclude == keep).all()


@FEWER
@given(buckets(), policies())
def test_as_ingested_looks_at_no_later_license(bucket, policy):
    policy = replace(policy, license_change="as_ingested")
    changed = [[{**row, "license": "all-rights-reserved"} for row in look] for look in bucket.looks]
    reasons = decide(bucket.facts(), policy)
    again = decide(replace(bucket, looks=changed).facts(), policy)
    assert (reasons == again).all()
    assert not (reasons & np.uint32(BIT["license_withdrawn"])).any()


def test_newest_and_as_ingested_differ_where_the_license_was_withdrawn():
    row = manifest_row("flickr", "1", "a", [])
    seen = {"source": "flickr", "item_id": "1", "owner_id": None, "license_raw": None, "visibility": "public"}
    look = {**seen, "license": "all-rights-reserved", "observed_on": DAYS[0]}
    facts = Bucket([row], [[look]], []).facts()
    policy = replace(ALL, allowed=("CC-BY-2.0",))
    both = BIT["license_withdrawn"] | BIT["license_not_allowed"]
    assert decide(facts, policy).tolist() == [both]
    assert decide(facts, replace(policy, license_change="as_ingested")).tolist() == [0]


@pytest.mark.parametrize("does", ["exclude", "keep"])
def test_what_is_missing_has_no_license_either(does):
    manifest = manifest_table([manifest_row("flickr", "1", "a", [])])
    known = pa.table({"row": [0], "license": ["unknown"], "visibility": ["missing"]})
    facts = join_facts(manifest, known)
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


@pytest.mark.parametrize("license_change", ["newest", "as_ingested"])
def test_nothing_in_nothing_out(license_change):
    assert len(decide(Bucket([], [], []).facts(), replace(ALL, license_change=license_change))) == 0
