"""docs/opt-outs.md names the columns, states and headings that are read, and its examples are lists."""

from __future__ import annotations

import datetime
import re

import pytest
from pages import read, table

from transforms.formats.optouts import issueform
from transforms.formats.optouts.entries import Received
from transforms.formats.optouts.fields import STATES
from transforms.formats.optouts.reading import read_list
from transforms.formats.optouts.rows import COLUMNS

PAGE = read("docs/opt-outs.md")
FORMS = PAGE.split("## Forms")[1].split("## Requests")[0]
EXAMPLES = re.findall(r"### ([^\n]+)\n.*?```\w+\n(.*?)```", FORMS, re.DOTALL)
KINDS = {
    "Lines": ["alias", "item", "owner", "tag"],
    "CSV": ["owner", "owner", "url"],
    "JSON lines": ["host", "item"],
    "A registry's answers": ["url", "url"],
    "A block list of hosts": ["host", "host", "host"],
    "A filled form": ["alias", "item", "owner"],
}


def test_the_columns_are_those_that_are_read() -> None:
    assert [row["column"] for row in table(PAGE, "What an entry says")] == list(COLUMNS)


def test_the_states_are_those_of_the_ledger() -> None:
    assert {row["state"] for row in table(PAGE, "The ledger")} == {*STATES, "held"}


def test_the_headings_are_those_that_are_read() -> None:
    rows = table(PAGE, "A filled form")
    assert sorted(name.lower() for row in rows for name in row["headings"].split(", ")) == sorted(
        issueform.COLUMN_OF
    )


@pytest.mark.parametrize(("form", "text"), EXAMPLES, ids=[form for form, _ in EXAMPLES])
def test_each_example_is_a_list(form: str, text: str) -> None:
    received = Received("example", "flickr", datetime.date(2026, 11, 10))
    assert read_list(text.encode(), received)["kind"].to_pylist() == KINDS[form]


def test_every_form_has_an_example() -> None:
    assert [form for form, _ in EXAMPLES] == [*KINDS]
