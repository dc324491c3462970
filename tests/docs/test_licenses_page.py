"""docs/licenses.md says how licenses are read, and what a change from one to another is called."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from pages import Row, read, table

from transforms.domain.license_changes import compare
from transforms.domain.license_spellings import OUTCOMES, read_one, reconcile
from transforms.domain.licenses import ALL_RIGHTS_RESERVED, LICENSES

PAGE = read("docs/licenses.md")
SPELLINGS = table(PAGE, "Spellings")
DIRECTIONS = {row.pop(r"from \ to"): row for row in table(PAGE, "Directions")}


def test_outcomes() -> None:
    assert tuple(row["outcome"] for row in table(PAGE, "Outcomes")) == OUTCOMES


@pytest.mark.parametrize("row", SPELLINGS, ids=lambda row: row["as written"])
def test_licenses_are_read_as_the_page_says(row: Row) -> None:
    assert read_one(row["as written"]) == (row["id"], row["outcome"])


def test_every_outcome_has_an_example() -> None:
    assert len(SPELLINGS) > 20
    assert {row["outcome"] for row in SPELLINGS} == set(OUTCOMES)


@pytest.mark.parametrize("row", table(PAGE, "Slug, version and URL"), ids=lambda row: row["URL"])
def test_what_stands_together_is_read_as_the_page_says(row: Row) -> None:
    found = reconcile(*(pa.array([row[name] or None], pa.string()) for name in ("slug", "version", "URL")))
    assert (found.license[0].as_py(), found.outcome[0].as_py()) == (row["id"], row["outcome"])


def test_directions() -> None:
    ids = {"CC0": "CC0-1.0", "reserved": ALL_RIGHTS_RESERVED}
    assert len(DIRECTIONS) == 8
    for then, row in DIRECTIONS.items():
        assert list(row) == list(DIRECTIONS)
        for now, direction in row.items():
            of, to = (ids.get(name, f"CC-{name}-4.0") for name in (then, now))
            assert compare(of, to) == direction, (then, now)


def test_how_many_ids_are_spdx_s() -> None:
    tools = [terms for terms in LICENSES.values() if terms.unit]
    (spdx, all_of_them) = re.search(r"for (\d+) of the (\d+) legal\ntools", PAGE).groups()
    assert (int(spdx), int(all_of_them)) == (sum(terms.spdx_id is not None for terms in tools), len(tools))
