"""What a row says of its opt-outs: purposes, dates, state, origin, who asked; and what it cannot say."""

import csv
import datetime
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.optoutlists import DAY, KEY, entry, fault_in, merged, read

from transforms.domain.errors import ConfigError
from transforms.domain.purposes import ALL, PURPOSES, bits_of
from transforms.domain.requesters import keyed
from transforms.formats.optouts.entries import turns_of

DATES = [DAY + datetime.timedelta(days) for days in (-400, -1, 0, 1, 30)]
PEOPLE = ["ann@example.org", " Ann@Example.org ", "bob", ""]


def hashed(person):
    return keyed(pa.array([person]), KEY)[0].as_py()


@st.composite
def rows(draw):
    """The cells of a row, and the entry that it must become."""
    maybe = lambda values: st.sampled_from(["", *values])  # noqa: E731
    names = draw(st.lists(st.sampled_from([*PURPOSES, "all"]), max_size=3))
    effective = draw(maybe(DATES))
    begins = effective or DAY
    expires = draw(maybe([date for date in DATES if date > begins]))
    requested = draw(maybe([date for date in DATES if date <= DAY]))
    person = draw(st.sampled_from(PEOPLE))
    text = {name: draw(maybe(["a", "b c", "d;e"])) for name in ("request", "origin", "evidence")}
    state = draw(maybe(["active", "withdrawn"]))
    cells = {
        "item_id": draw(st.sampled_from(["1", "2"])),
        "purposes": draw(st.sampled_from([" ", ";", "; "])).join(names),
        "effective_on": str(effective),
        "expires_on": str(expires),
        "requested_on": str(requested),
        "requester": person,
        "state": state,
        **text,
    }
    made = entry(
        "item",
        cells["item_id"],
        cells["item_id"],
        purposes=ALL if "all" in names or not names else bits_of(names),
        state=state or "active",
        requested_on=requested or None,
        effective_on=begins,
        expires_on=expires or None,
        origin=text["origin"] or None,
        evidence=text["evidence"] or None,
        requester=hashed(person),
    )
    return cells, made | ({"request": text["request"]} if text["request"] else {})


@settings(max_examples=50)
@given(st.lists(rows(), max_size=6))
def test_rows_say_what_is_written(some):
    file = io.StringIO()
    writer = csv.DictWriter(
        file, ["item_id", *sorted({name for cells, _ in some for name in cells} - {"item_id"})]
    )
    writer.writeheader()
    writer.writerows(cells for cells, _ in some)
    assert read(file.getvalue()).to_pylist() == merged(made for _, made in some)


def test_a_row_says_the_same_of_all_that_it_names():
    found = read("item_id,tag,purposes,request\n1,no_cv,search,r-7\n", purposes=ALL).to_pylist()
    assert [(row["kind"], row["purposes"], row["request"]) for row in found] == [
        ("item", bits_of(["search"]), "r-7"),
        ("tag", bits_of(["search"]), "r-7"),
    ]


def test_a_list_may_say_what_its_entries_do_not():
    found = read("item_id,purposes,origin\n1,,\n2,all,form\n", purposes=2, origin="mail").to_pylist()
    assert [(row["purposes"], row["origin"]) for row in found] == [(2, "mail"), (ALL, "form")]


def test_a_requester_is_kept_as_a_keyed_hash_only():
    table = read("item_id,requester\n1,ann@example.org\n2,Ann@example.ORG\n3,\n")
    ann = table["requester"].to_pylist()
    assert ann[0] == ann[1]
    assert ann[0].startswith(ann[0][:8] + ":")
    assert ann[2] is None
    assert "example" not in repr(table.to_pylist())
    other = read("item_id,requester\n1,ann@example.org\n", key=b"another key of 32 bytes.........")
    assert other["requester"][0].as_py()[:8] != ann[0][:8]


def test_a_requester_without_a_key_is_refused_with_the_way_to_make_one():
    said = fault_in("item_id,requester\n1,ann@example.org\n", error=ConfigError, key=None)
    assert "openssl rand" in said
    assert "--requester-key" in said
    assert "BYLEAVE_REQUESTER_KEY" in said, "a night takes no option"
    assert "ann" not in said
    assert read("item_id,requester\n1,\n", key=None).num_rows == 1  # nobody is named


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("purposes", "serach", "'serach' holds 'serach', which is no purpose. Did you mean 'search'?"),
        ("purposes", "; ;", "'; ;' names no purpose. There are metadata-index, search, "),
        ("purposes", "search;x", "holds 'x', which is no purpose. There are metadata-index, search, "),
        ("requested_on", "2026-11-11", "2026-11-11 is after 2026-11-10, when it was received"),
        ("requested_on", "20261101", "'20261101' is not a date such as 2026-11-10"),
        ("effective_on", "2026-02-30", "'2026-02-30' is not a date such as 2026-11-10"),
        ("expires_on", "2026-11-10", "2026-11-10 is not after 2026-11-10, when it begins"),
        ("state", "held", "'held' is not one of active, withdrawn."),
        ("state", "Active", "'Active' is not one of active, withdrawn. Did you mean 'active'?"),
        ("request", "r0123456789abcdef", "is of the form of ids that byleave makes; leave it empty"),
        ("request", "x" * 201, "is not up to 200 characters that can be printed"),
        ("origin", "a\x01b", "is not up to 200 characters that can be printed"),
    ],
)
def test_what_a_row_cannot_say_is_a_fault_of_its_line(column, cell, words):
    said = fault_in(f"item_id,{column}\n1,\n2,{cell}\n3,\n")
    assert said.startswith(f"list.txt, line 3, {column}: ")
    assert words in said
    assert "\n" not in said


def test_an_origin_is_a_label():
    said = fault_in("5", error=ConfigError, origin="a\x1fb")
    assert said == "--origin 'a\\x1fb': use up to 200 characters that can be printed"


def test_an_entry_ends_after_it_begins_whatever_day_that_is():
    rows = "item_id,effective_on,expires_on\n1,2027-01-01,2027-01-02\n2,2027-01-01,2027-01-01\n"
    assert fault_in(rows) == (
        "list.txt, line 3, expires_on: 2027-01-01 is not after 2027-01-01, when it begins"
    )


def test_a_list_turns_on_days_when_entries_begin_or_cease_to_count():
    found = read(
        "item_id,state,effective_on,expires_on\n1,,2027-01-01,2027-03-01\n2,,,2027-02-01\n3,,2020-01-01,\n"
        "4,withdrawn,2027-04-01,2027-05-01\n5,,2027-01-01,\n"
    )
    assert turns_of(found, DAY) == ("2027-01-01", "2027-02-01", "2027-03-01", "2027-04-01")
    assert turns_of(found, datetime.date(2027, 2, 1)) == ("2027-03-01", "2027-04-01")
    assert turns_of(read(""), DAY) == ()


def test_whoever_asks_the_same_on_another_day_makes_another_request():
    ids = {
        read(text, **how)["request"][0].as_py()
        for text, how in [
            ("item_id\n5\n", {}),
            ("item_id\n5\n", {"received_on": DAY - datetime.timedelta(1)}),
            ("item_id,requester\n5,ann\n", {}),
            ("item_id\n5\n", {"origin": "form"}),
            ("item_id\n5\n", {"purposes": 1}),
            ("item_id\n6\n", {}),
            ("tag\n5\n", {}),
        ]
    }
    assert len(ids) == 7
    assert read("5").equals(read("item_id,note\n5,again\n"))
