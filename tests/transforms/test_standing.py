"""What stands on a day: held to the rule per entry, purpose and day; and what no order and no day changes."""

from __future__ import annotations

import datetime
import random
from typing import Any

import hypothesis.strategies as st
import oracle_leave
import pyarrow as pa
import pytest
from hypothesis import given, settings

from transforms.domain import purposes
from transforms.domain.schemas import ALIASES, CONSENTS, LEAVE, MET, OPT_OUTS
from transforms.leave import OWN_COLUMNS, leave_of
from transforms.standing import forget_askers, standing, withdrawn_keys

DAY = datetime.date(2026, 11, 1)
Row = dict[str, Any]


def day(number: int | None) -> datetime.date | None:
    return None if number is None else DAY + datetime.timedelta(number)


def table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    known = [{"purposes": ["search"], **row} for row in rows]
    coded = [{**row, "purposes": purposes.bits_of(row["purposes"])} for row in known]
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in coded], schema)


def stands(opt_outs: list[Row], consents: list[Row], aliases: list[Row], on: datetime.date) -> pa.Table:
    ledgers = table(opt_outs, OPT_OUTS), table(consents, CONSENTS), table(aliases, ALIASES)
    return standing(*ledgers, on)


def by_target(leave: pa.Table) -> dict[tuple[str, str | None, str], tuple[Any, ...]]:
    assert leave.schema == LEAVE
    rows = [tuple(row.values()) for row in leave.to_pylist()]
    assert len({row[:3] for row in rows}) == len(rows)

    def sets(no: int, words: list[int] | None, *bits: int) -> tuple[Any, ...]:
        return (
            set(purposes.names_of(no)),
            meant(words or []),
            *(set(purposes.names_of(each)) for each in bits),
        )

    return {row[:3]: sets(*row[3:]) for row in rows}


def meant(words: list[int]) -> dict[str, tuple[datetime.date, bool]]:
    """By purpose the day of the last word, and whether it is leave."""
    since = datetime.date(1970, 1, 1)
    said = zip(purposes.PURPOSES, words, strict=False)  # the others are to come
    return {name: (since + datetime.timedelta(word // 2), word % 2 == 0) for name, word in said if word != -1}


days = st.integers(0, 4).map(day)
ends = st.none() | st.integers(1, 5).map(day)
some_purposes = st.lists(
    st.sampled_from(
        [
            "search",
            "commercial",
            "computer-vision",
            "generative-training",
            "face-detection",
            "face-recognition",
        ]
    ),
    min_size=1,
    max_size=2,
    unique=True,
)
targets = st.sampled_from(
    [
        ("item", "flickr", "1"),
        ("owner", "flickr", "1"),
        ("owner", "flickr", "2"),
        ("alias", "flickr", "ann"),
        ("name", "flickr", "Ann"),
        ("tag", None, "ann"),
    ]
)


def dated(one: tuple[Any, ...]) -> Row:
    row, (kind, source, key), received_on, effective_on = one
    return {
        **row,
        "kind": kind,
        "source": source,
        "key": key,
        "raw": key,
        "received_on": received_on,
        "effective_on": effective_on,
    }


opt_outs = st.lists(
    st.tuples(
        st.fixed_dictionaries(
            {
                "request": st.just("r"),
                "state": st.sampled_from(["active", "active", "withdrawn", "held"]),
                "purposes": some_purposes,
                "expires_on": ends,
                "origin": st.sampled_from([None, "registry"]),
                "requester": st.sampled_from([None, "ann"]),
            }
        ),
        targets,
        days,
        days,
    ).map(dated),
    max_size=7,
)
givers = st.sampled_from([("owner", None), ("depicted", None), ("depicted", "ann"), ("depicted", "bob")])
consents = st.lists(
    st.tuples(
        st.tuples(
            givers,
            st.sampled_from(["grant", "grant", "revoke", "refuse"]),
            some_purposes,
            ends,
        ).map(
            lambda c: {
                "given_by": c[0][0],
                "person": c[0][1],
                "says": c[1],
                "purposes": c[2],
                "expires_on": c[3],
            }
        ),
        st.sampled_from([("item", "flickr", "1"), ("item", "flickr", "2"), ("owner", "flickr", "1")]),
        days,
        days,
    ).map(dated),
    max_size=7,
)
aliases = st.lists(
    st.builds(
        lambda key, owner: {"source": "flickr", "kind": key[0], "key": key[1], "owner_id": owner},
        st.sampled_from([("alias", "ann"), ("name", "Ann"), ("owner", "1"), ("owner", "2"), ("owner", "3")]),
        st.sampled_from(["1", "2", "3"]),
    ),
    max_size=4,
)


@given(opt_outs, consents, aliases, st.integers(0, 5).map(day))
def test_it_is_what_the_rule_says(
    opt_outs: list[Row], consents: list[Row], aliases: list[Row], on: datetime.date
) -> None:
    expected = oracle_leave.leave(opt_outs, consents, aliases, on)
    assert by_target(stands(opt_outs, consents, aliases, on)) == expected


@settings(max_examples=25)
@given(opt_outs, consents, aliases, st.randoms(use_true_random=False))
def test_no_order_and_no_repetition_changes_it(
    opt_outs: list[Row], consents: list[Row], aliases: list[Row], random: Any
) -> None:
    on = DAY + datetime.timedelta(3)
    once = stands(opt_outs, consents, aliases, on)
    one, two, three = (
        random.sample(rows + rows[:2], len(rows + rows[:2])) for rows in (opt_outs, consents, aliases)
    )
    assert stands(one, two, three, on).equals(once)
    entries = table(opt_outs, OPT_OUTS)
    few = forget_askers(entries, withdrawn_keys(entries))
    assert standing(few, table(consents, CONSENTS), table(aliases, ALIASES), on).equals(once)
    order = [(row["kind"], row["source"] or "\x7f", row["key"]) for row in once.to_pylist()]
    assert order == sorted(order)


@settings(max_examples=15)
@given(opt_outs, consents, aliases)
def test_between_turns_nothing_changes(opt_outs: list[Row], consents: list[Row], aliases: list[Row]) -> None:
    """Whatever day it is cut for, from the day that the last list came."""
    newest = max((row["received_on"] for row in [*opt_outs, *consents]), default=DAY)
    turns = {row[name] for row in [*opt_outs, *consents] for name in ("effective_on", "expires_on")}
    before = None
    for on in (newest + datetime.timedelta(number) for number in range(7)):
        now = stands(opt_outs, consents, aliases, on)
        assert before is None or on in turns or now.equals(before)
        before = now


def entry(state: str = "active", received: int = 0, **said: Any) -> Row:
    asked = {"request": "r", "kind": "item", "source": "flickr", "key": "1", "raw": "1", "state": state}
    dates = {"received_on": day(received), "effective_on": day(received)}
    return {**asked, **dates, **said}


def out(entries: list[Row], on: int = 9) -> set[str]:
    found = by_target(stands(entries, [], [], DAY + datetime.timedelta(on)))
    return found.get(("item", "flickr", "1"), (set(),))[0]


@pytest.mark.parametrize(
    ("entries", "stands"),
    [
        ([entry()], True),
        ([entry("held")], False),
        ([entry("held"), entry(received=1)], True),  # approved
        ([entry("held"), entry("withdrawn", 1)], False),
        ([entry(), entry("withdrawn", 1)], False),
        ([entry(), entry("withdrawn", 0)], True),  # of one day the opt-out stands
        ([entry(), entry("withdrawn", 1), entry(received=2)], True),  # again
        ([entry(received=2), entry("withdrawn", 1)], True),
        ([entry(requester="ann"), entry(requester="bob"), entry("withdrawn", 1, requester="ann")], True),
        ([entry(requester="ann"), entry("withdrawn", 1)], True),
        ([entry(origin="registry"), entry("withdrawn", 1, origin="registry")], False),
        ([entry(origin="registry"), entry("withdrawn", 1, origin="form")], True),
        ([entry(), entry("withdrawn", 1, effective_on=day(10))], True),
        ([entry(effective_on=day(10))], False),
        ([entry(effective_on=day(9))], True),
        ([entry(expires_on=day(10))], True),
        ([entry(expires_on=day(9))], False),
        ([entry(), entry("withdrawn", 1, purposes=["metadata-index"])], False),
        ([entry(), entry("withdrawn", 1, purposes=["commercial"])], True),
    ],
)
def test_opt_outs(entries: list[Row], stands: bool) -> None:
    assert out(entries) == ({"search"} if stands else set())


def test_a_withdrawal_of_one_purpose_leaves_the_others() -> None:
    entries = [entry(purposes=["commercial", "search"]), entry("withdrawn", 1, purposes=["commercial"])]
    assert out(entries) == {"search"}


def test_what_covers_everything_covers_purposes_to_come() -> None:
    everything = table([entry()], OPT_OUTS)
    place = OPT_OUTS.get_field_index("purposes")
    everything = everything.set_column(place, OPT_OUTS.field(place), pa.array([purposes.ALL], pa.uint16()))
    (row,) = standing(everything, CONSENTS.empty_table(), ALIASES.empty_table(), DAY).to_pylist()
    assert row["no"] == purposes.ALL


def test_a_former_name_leads_to_every_later_id() -> None:
    chain = [("alias", "ann", "1"), ("owner", "1", "2"), ("owner", "2", "3"), ("owner", "3", "1")]
    known = [{"source": "flickr", "kind": kind, "key": key, "owner_id": owner} for kind, key, owner in chain]
    asked = [entry(kind="alias", key="ann"), entry(kind="alias", key="ann", source="other")]
    found = by_target(stands(asked, [], known, DAY))
    assert {one[2] for one in found if one[0] == "owner"} == {"1", "2", "3"}
    assert {one[1] for one in found if one[0] == "owner"} == {"flickr"}


def said(says: str, *names: str, received: int = 0, **further: Any) -> Row:
    dates = {"received_on": day(received), "effective_on": day(received)}
    what = {"kind": "item", "source": "flickr", "key": "1", "raw": "1", "given_by": "owner"}
    return {**what, "says": says, "purposes": list(names), **dates, **further}


ROWS = pa.Table.from_pylist(
    [
        {"source": source, "item_id": item, "owner_id": owner}
        for source, item, owner in (
            ("flickr", "1", "1"),
            ("flickr", "2", "1"),
            ("flickr", "2", "2"),
            ("flickr", "3", "1"),
            ("flickr", "1", None),
            ("other", "1", "1"),
        )
    ],
    pa.schema([(name, pa.string()) for name in OWN_COLUMNS]),
)


def of_rows(consents: list[Row], on: datetime.date, rows: pa.Table = ROWS) -> list[tuple[set[str], ...]]:
    """For each of ``rows``: granted by the owner, by the depicted, refused."""
    columns = leave_of(rows, stands([], consents, [], on), LEAVE.empty_table(), MET.empty_table())
    names = ("granted_by_owner", "granted_by_depicted", "refused")
    sets = ([set(purposes.names_of(bits)) for bits in columns[name].to_pylist()] for name in names)
    return list(zip(*sets, strict=True))


def consented(*consents: Row, on: int = 9) -> tuple[set[str], ...]:
    return of_rows(list(consents), DAY + datetime.timedelta(on))[0]


@pytest.mark.parametrize("seed", range(3))
def test_of_an_item_and_its_owner_the_later_words_count(seed: int) -> None:
    """Hundreds of owners at once, each with an item and a few words on it and on all of theirs."""
    draw = random.Random(seed)
    every = [*(purposes.PURPOSES[place : place + 1] for place in range(11)), purposes.PURPOSES]

    def word(kind: str, key: str) -> Row:
        says, received = draw.choice(["grant", "grant", "revoke", "refuse"]), draw.randrange(6)
        begins = day(draw.choice([received] * 4 + [6]))
        ends = draw.choice([None, None, day(draw.randrange(8))]) if says == "grant" else None
        times = {"received": received, "effective_on": begins, "expires_on": ends}
        return said(says, *draw.choice(every), kind=kind, key=key, **times)

    keys = [str(number) for number in range(500)]
    words = {
        key: [word(draw.choice(["item", "owner"]), key) for _ in range(draw.randrange(6))] for key in keys
    }
    consents = [one for some in words.values() for one in some]
    rows = pa.table({"source": ["flickr"] * len(keys), "item_id": keys, "owner_id": keys})
    for (by_owner, *_), (key, some) in zip(of_rows(consents, day(4), rows), words.items(), strict=True):
        targets = {(kind, "flickr", key) for kind in ("item", "owner")}
        assert by_owner == oracle_leave.granted_by_owner(some, targets, day(4))


def test_an_owner_s_words_are_of_their_own_items() -> None:
    granted = said("grant", "search", kind="owner")
    assert [bool(sets[0]) for sets in of_rows([granted], DAY)] == [True, True, False, True, False, False]


@pytest.mark.parametrize(
    ("words", "granted"),
    [
        ([("owner", "grant", 1), ("item", "revoke", 2)], False),
        ([("item", "grant", 1), ("owner", "revoke", 2)], False),
        ([("owner", "revoke", 1), ("item", "grant", 2)], True),
        ([("item", "revoke", 1), ("owner", "grant", 2)], True),
        ([("owner", "grant", 1), ("item", "revoke", 1)], False),
        ([("item", "grant", 1), ("owner", "revoke", 1)], False),
        (
            [("owner", "grant", 0), ("owner", "revoke", 1), ("item", "grant", 2), ("owner", "revoke", 3)],
            False,
        ),
        ([("owner", "revoke", 2)], False),
    ],
)
@pytest.mark.parametrize("revoked", ["search", "all"])
def test_what_is_taken_back_of_all_is_taken_back_of_each(
    words: list[tuple[str, str, int]], granted: bool, revoked: str
) -> None:
    everything = purposes.PURPOSES if revoked == "all" else [revoked]
    consents = [
        said(says, *(["search"] if says == "grant" else everything), received=received, kind=kind)
        for kind, says, received in words
    ]
    assert consented(*consents)[0] == ({"search", "metadata-index"} if granted else set())


VISION = {"metadata-index", "research-noncommercial", "computer-vision"}


def test_a_grant_counts_for_broader_purposes_that_are_not_people_sensitive() -> None:
    granted = {*VISION, "discriminative-training", "face-recognition"}
    assert consented(said("grant", "face-recognition")) == (granted, set(), set())


def test_the_last_word_counts() -> None:
    vision = said("grant", "computer-vision")
    assert consented(vision, said("revoke", "computer-vision", received=1)) == (set(),) * 3
    assert consented(said("revoke", "computer-vision"), {**vision, "received_on": day(1)})[0] == VISION
    refusal = said("refuse", "face-recognition", received=1)
    assert consented(said("grant", "face-recognition"), refusal) == (set(), set(), {"face-recognition"})
    assert consented(refusal, said("grant", "face-recognition", received=1))[2] == {"face-recognition"}
    assert consented(refusal, said("grant", "face-recognition", received=2))[2] == set()


def test_leave_for_the_narrower_asks_for_leave_for_the_broader() -> None:
    everything = said("refuse", *purposes.PURPOSES)
    assert consented(everything, said("grant", "search", received=1))[2] == set(purposes.PURPOSES)


def test_taking_back_the_broader_takes_back_the_narrower() -> None:
    detection = said("grant", "face-detection")
    assert consented(detection, said("revoke", "computer-vision", received=1)) == (set(),) * 3
    assert consented(detection, said("revoke", "computer-vision")) == (set(),) * 3  # of one day
    assert consented(detection, said("revoke", "search", received=1))[0] > VISION


def test_a_grant_that_is_over_brings_back_none_before_it() -> None:
    once, again = said("grant", "search"), said("grant", "search", received=1, expires_on=day(5))
    assert consented(once, again, on=4)[0] == {"search", "metadata-index"}
    assert consented(once, again, on=5) == (set(),) * 3


def test_everyone_who_is_shown_has_to_grant() -> None:
    ann = said("grant", "face-detection", given_by="depicted", person="ann")
    bob = said("grant", "computer-vision", given_by="depicted", person="bob")
    assert consented(ann)[1] == {*VISION, "discriminative-training", "face-detection"}
    assert consented(ann, bob) == (set(), VISION, set())
    later = {**bob, "effective_on": day(20)}  # who is known, and grants nothing yet
    assert consented(ann, later) == (set(),) * 3
    refusal = said("refuse", "face-detection", given_by="depicted", person="bob")
    assert consented(ann, refusal)[1:] == (
        set(),
        {"face-detection", "face-recognition", "biometric-annotation"},
    )
