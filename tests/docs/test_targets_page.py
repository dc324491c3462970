"""docs/targets.md says what each form names, and what waits for a person."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pages import Row, read, table

from transforms.domain.suspicions import suspicions
from transforms.domain.targets import KINDS, parse_targets
from transforms.formats import aliases

PAGE = read("docs/targets.md")


def test_every_kind_is_there() -> None:
    assert {row["kind"] for row in table(PAGE, "Kinds")} == {*KINDS}
    assert {row["kind"] for row in table(PAGE, "Forms")} == {*KINDS, "not understood"}


@pytest.mark.parametrize("row", table(PAGE, "Forms"), ids=lambda row: row["written"])
def test_each_form_names_what_the_page_says(row: Row) -> None:
    (target,) = parse_targets(pa.array([row["written"]])).to_pylist()
    assert target["kind"] == (None if row["kind"] == "not understood" else row["kind"])
    assert target["key"] == (row["key"] or None)
    assert suspicions(pa.array([row["written"]])).to_pylist() == [None]


@pytest.mark.parametrize("row", table(PAGE, "What waits for a person"), ids=lambda row: row["written"])
def test_each_waits_for_what_the_page_says(row: Row) -> None:
    assert suspicions(pa.array([row["written"]])).to_pylist() == [row["held, for it"] or None]


def test_the_columns_of_a_history_are_those_that_are_read() -> None:
    assert sorted(row["column"] for row in table(PAGE, "Who is who")) == sorted(aliases.COLUMNS.names)
