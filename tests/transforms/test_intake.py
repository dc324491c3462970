"""The rules of intake: what waits for a person, and why; what bytes an item stands for."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.errors import ConfigError
from transforms.domain.schemas import OPT_OUTS
from transforms.intake import Rules, hold, targets_of, told, with_contents
from transforms.weigh import TARGETS, WEIGHTS

DAY = datetime.date(2026, 11, 10)


def entry(kind: str, key: str, request: str = "r1", state: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "request": request,
        "kind": kind,
        "source": "flickr" if kind in ("item", "owner", "alias", "name") else None,
        "key": key,
        "raw": key,
        "purposes": 0xFFFF,
        "state": state,
        "received_on": DAY,
        "effective_on": DAY,
        **more,
    }


def entries(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=OPT_OUTS)


def weights(*rows: tuple[str, str, int, int], md5: str | None = None, sha256: str | None = None) -> pa.Table:
    found = [
        {
            "kind": kind,
            "source": "flickr" if kind in ("item", "owner") else None,
            "key": key,
            "items": items,
            "owners": owners,
            "content_md5": md5,
            "content_sha256": sha256,
        }
        for kind, key, items, owners in rows
    ]
    return pa.Table.from_pylist(found, schema=WEIGHTS)


def held(table: pa.Table) -> dict[str, str | None]:
    """Why each entry is held; None of one that counts."""
    return {row["key"]: row["held_for"] if row["state"] == "held" else None for row in table.to_pylist()}


@pytest.mark.parametrize(
    ("items", "share", "waits"),
    [(10_000_000, 10_000, False), (10_000_000, 10_001, True), (50_000, 1_000, False), (50_000, 1_001, True)],
)
def test_a_request_above_the_share_waits_and_one_of_few_items_never(
    items: int, share: int, waits: bool
) -> None:
    found = hold(entries(entry("tag", "cat")), weights(("tag", "cat", share, 1)), items, Rules())
    why = f"its request meets {share} of {items} items, a larger share than 0.001"
    assert held(found) == {"cat": why if waits else None}


def test_the_entries_of_one_request_are_taken_together_and_each_target_once() -> None:
    asked = entries(
        entry("tag", "a"), entry("tag", "b"), entry("tag", "c", "r2"), entry("tag", "b", purposes=4)
    )
    met = weights(("tag", "a", 600, 1), ("tag", "b", 500, 1), ("tag", "c", 600, 1))
    found = hold(asked, met, 10_000, Rules())
    assert [row["state"] for row in found.to_pylist()] == ["held", "held", "active", "held"]
    assert "meets 1100 of 10000" in found["held_for"][0].as_py()


def test_the_requests_of_one_requester_are_taken_together() -> None:
    asked = entries(
        *(entry("tag", tag, f"r-{tag}", requester=who) for tag, who in (("a", "x"), ("b", "x"), ("c", "y"))),
        *(entry("tag", tag, f"r-{tag}") for tag in ("d", "e")),  # of whom nobody knows whether they are one
    )
    met = weights(*(("tag", tag, 600, 1) for tag in "abcde"))
    found = hold(asked, met, 10_000, Rules())
    assert [row["state"] for row in found.to_pylist()] == ["held", "held", "active", "active", "active"]
    why = "its requester's requests meet 1200 of 10000 items, a larger share than 0.001"
    assert found["held_for"][0].as_py() == why


def test_a_name_of_several_owners_waits_and_that_of_one_does_not() -> None:
    found = hold(
        entries(entry("name", "john smith"), entry("alias", "john")),
        weights(("name", "john smith", 7, 2), ("alias", "john", 7, 1)),
        1_000,
        Rules(),
    )
    assert held(found) == {"john smith": "the name of 2 owners: it does not say whose", "john": None}


def test_what_waits_or_is_withdrawn_already_stays_as_it_is() -> None:
    before = entries(
        entry("url", "*", state="held", held_for="is a pattern"), entry("tag", "a", state="withdrawn")
    )
    after = hold(before, weights(("tag", "a", 9_999, 1)), 10_000, Rules(), whole="the list grew")
    assert after.equals(before)


def test_without_a_manifest_no_share_is_known() -> None:
    assert held(hold(entries(entry("tag", "a")), WEIGHTS.empty_table(), 0, Rules())) == {"a": None}


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        (31, 797, "the list grew from 31 to 797 entries"),  # a real one, by mistake
        (1_878, 2_022, ""),  # a real block list, half a year later
        (797, 31, "the list shrank from 797 to 31 entries"),
        (31, 131, ""),
        (1_000, 1_500, ""),
        (1_000, 1_501, "the list grew from 1,000 to 1,501 entries"),
        (1_000, 499, "the list shrank from 1,000 to 499 entries"),
        (0, 101, "the list grew from 0 to 101 entries"),
    ],
)
def test_a_list_too_unlike_its_last_version_waits_as_a_whole(before: int, now: int, why: str) -> None:
    assert Rules().drift(before, now) == why
    found = hold(entries(entry("tag", "a")), WEIGHTS.empty_table(), 0, Rules(), whole=why)
    assert held(found) == {"a": why or None}


def test_rules_that_cannot_be_are_all_named() -> None:
    with pytest.raises(ConfigError) as caught:
        Rules(max_share=2, max_growth=-1, max_shrink=float("nan"))
    assert str(caught.value) == (
        "--max-share 2: use a share from 0 to 1\n"
        "--max-growth -1: use a share from 0\n"
        "--max-shrink nan: use a share from 0 to 1"
    )


def test_the_bytes_of_an_item_are_opted_out_by_the_same_request_and_come_back_with_it() -> None:
    asked = entries(
        entry("item", "1", "r1", purposes=4, evidence="a letter"),
        entry("item", "2", "r2", "withdrawn"),
        entry("item", "3", "r3", "held"),
        entry("item", "4", "r4"),
    )
    met = weights(*(("item", key, 1, 1) for key in "123"), md5="AA", sha256="bb")
    found = with_contents(asked, met, "2014-05").to_pylist()
    assert [(row["request"], row["kind"], row["key"], row["state"]) for row in found] == [
        ("r1", "content", "md5:aa", "active"),
        ("r2", "content", "md5:aa", "withdrawn"),
        ("r1", "content", "sha256:bb", "active"),
        ("r2", "content", "sha256:bb", "withdrawn"),
    ]
    assert (found[0]["raw"], found[0]["source"], found[0]["purposes"]) == ("1", None, 4)
    assert found[0]["evidence"] == "a letter; content of item 1 in manifest 2014-05"
    assert found[1]["evidence"] == "content of item 2 in manifest 2014-05"


KEYS = st.sampled_from([("item", "1"), ("owner", "1@N00"), ("tag", "a"), ("name", "ann"), ("host", "a.org")])
STATES = st.sampled_from(["active", "held", "withdrawn"])


@given(
    st.lists(st.tuples(KEYS, st.sampled_from(["r1", "r2"]), STATES), max_size=8),
    st.dictionaries(KEYS, st.integers(1, 30), max_size=4),
    st.integers(0, 40),
)
def test_holding_agrees_with_a_look_at_each_entry(
    asked: list[tuple[tuple[str, str], str, str]], met: dict[tuple[str, str], int], few: int
) -> None:
    table = entries(*(entry(kind, key, request, state) for (kind, key), request, state in asked))
    weighed = weights(*((kind, key, items, 1) for (kind, key), items in met.items()))
    found = hold(table, weighed, 1_000, Rules(few_items=few))
    for (target, request, state), row in zip(asked, found.to_pylist(), strict=True):
        targets = {each for each, of, how in asked if of == request and how == "active"}
        too_many = sum(met.get(each, 0) for each in targets) > max(1, few)
        assert row["state"] == ("held" if state == "active" and too_many else state)
        assert told(table, weighed)["items"].to_pylist()[asked.index((target, request, state))] == met.get(
            target, 0
        )


def test_targets_are_distinct_and_sorted_whoever_asks() -> None:
    found = targets_of(
        entries(
            entry("tag", "b"),
            entry("name", "ann"),
            entry("tag", "a"),
            entry("tag", "b", "r2"),
            entry("tag", "c", state="held"),
            entry("tag", "d", state="withdrawn"),
            entry("item", "1", state="withdrawn"),
        )
    )
    assert found.schema == TARGETS
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("item", "flickr", "1"),
        ("name", None, "ann"),
        ("tag", None, "a"),
        ("tag", None, "b"),
        ("tag", None, "c"),
    ]
