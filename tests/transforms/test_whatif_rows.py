"""What if: counts are those of deciding twice, row by row, however a bucket is divided."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.decide import decide, deciding_column, first_reason
from transforms.domain.policy import GRANTS, LICENSE_CHANGES, PEOPLE_VERDICTS, VERDICTS, Policy
from transforms.domain.purposes import PURPOSES
from transforms.domain.schemas import FACTS
from transforms.whatif import columns_for, compare, merge

LICENSES = ("CC-BY-2.0", "CC-BY-NC-2.0", "all-rights-reserved", "unknown")
SETS = st.sampled_from([0, 0, 0, 0, 1, 2, 8, 0x00FF, 0xFFFF])

ROW = st.fixed_dictionaries(
    {
        **{field.name: SETS for field in FACTS if field.type == pa.uint16()},
        **{field.name: st.booleans() for field in FACTS if field.type == pa.bool_()},
        "license_then": st.sampled_from(LICENSES),
        "license_now": st.sampled_from(LICENSES),
        "direction": st.sampled_from(["same", "withdrawn"]),
        "visibility": st.sampled_from(["public", "private", "deleted", "missing", "unknown"]),
        "people": st.sampled_from(["present", "absent", "unknown"]),
        "owner": st.sampled_from([None, 0, 1, 2, 2**63]),
        "upload_year": st.sampled_from([None, 2004, 2013]),
        "media_type": st.just("photo"),
    }
)
ROWS = st.lists(ROW, max_size=12)

POLICIES = st.builds(
    Policy,
    purpose=st.sampled_from(PURPOSES[:4]),
    allowed=st.sampled_from([("CC-BY-2.0",), ("CC-BY-2.0", "CC-BY-NC-2.0"), LICENSES[:3]]),
    license_change=st.sampled_from(LICENSE_CHANGES),
    **{
        name: st.sampled_from(VERDICTS)
        for name in ("unknown_license", "private", "deleted", "missing", "unknown_visibility")
    },
    unreadable_signal=st.sampled_from(VERDICTS),
    unknown_signal=st.sampled_from(VERDICTS),
    people_present=st.sampled_from(PEOPLE_VERDICTS),
    people_unknown=st.sampled_from(PEOPLE_VERDICTS),
    grant=st.sampled_from(GRANTS),
)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=FACTS)


def brute(rows: list[dict[str, Any]], before: Policy, after: Policy) -> dict[str, int]:
    """The same counts, a row at a time."""
    items: dict[str, int] = defaultdict(int)
    owners: dict[str, set[int]] = defaultdict(set)

    def count(name: str, row: dict[str, Any]) -> None:
        items[f"items/{name}"] += 1
        if row["owner"] is not None:
            owners[f"owners/{name}"].add(row["owner"])

    for row in rows:
        old, new = (decide(table([row]), policy) for policy in (before, after))
        if old[0] == 0:
            count("before", row)
        if new[0] == 0:
            count("after", row)
        if (old[0] == 0) != (new[0] == 0):
            change, why = ("gained", old) if new[0] == 0 else ("lost", new)
            (reason,) = first_reason(why).to_pylist()
            count(change, row)
            count(f"{change}/reason/{reason}", row)
            count(f"{change}/license/{row[deciding_column(after)]}", row)
            count(f"{change}/year/{row['upload_year'] or 'unknown'}", row)
    return {"rows": len(rows), **items, **{name: len(each) for name, each in owners.items()}}


@settings(max_examples=60)
@given(ROWS, POLICIES, POLICIES, st.integers(0, 12))
def test_counts_are_those_of_deciding_twice_row_by_row(
    rows: list[dict[str, Any]], before: Policy, after: Policy, cut: int
) -> None:
    expected = brute(rows, before, after)
    # An owner has rows in both sub-buckets, and is counted once.
    parts = [(table(rows[:cut]), table(rows[:cut])), (table(rows[cut:]), table(rows[cut:]))]
    assert compare(parts, before, after) == expected
    assert compare([(table(rows), table(rows))], before, after) == expected


@settings(max_examples=30)
@given(ROWS, POLICIES, POLICIES)
def test_only_the_columns_that_a_policy_asks_about_are_needed(
    rows: list[dict[str, Any]], before: Policy, after: Policy
) -> None:
    facts = table(rows)
    narrow = facts.select(list(dict.fromkeys([*columns_for(before), *columns_for(after)])))
    assert compare([(narrow, narrow)], before, after) == compare([(facts, facts)], before, after)
    assert not {"media_type", "observed", "signal_stale"} & {*narrow.column_names}


@settings(max_examples=30)
@given(ROWS, POLICIES)
def test_a_policy_gains_and_loses_nothing_against_itself(rows: list[dict[str, Any]], policy: Policy) -> None:
    counts = compare([(table(rows), table(rows))], policy, policy)
    assert not [name for name in counts if "gained" in name or "lost" in name]
    assert counts.get("items/before") == counts.get("items/after")


@settings(max_examples=30)
@given(ROWS, ROWS, POLICIES, POLICIES)
def test_the_other_way_round_gained_is_lost(
    rows: list[dict[str, Any]], more: list[dict[str, Any]], one: Policy, other: Policy
) -> None:
    other = replace(other, license_change=one.license_change)  # or licenses are told by other columns
    there = merge(compare([(table(each), table(each))], one, other) for each in (rows, more))
    back = merge(compare([(table(each), table(each))], other, one) for each in (more, rows))
    swap = {"before": "after", "after": "before", "gained": "lost", "lost": "gained"}
    assert there == {"/".join(swap.get(w, w) for w in name.split("/")): n for name, n in back.items()}


@pytest.mark.parametrize("rows", [0, 1])
def test_an_empty_bucket_has_counts_too(rows: int) -> None:
    policy = Policy("search", ("CC-BY-2.0",), "newest", *["keep"] * 5)
    nothing = table([]).slice(0, 0)
    assert compare([(nothing, nothing)] * rows, policy, policy) == ({"rows": 0} if rows else {})
