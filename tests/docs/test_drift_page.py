"""docs/drift.md names what there is, and its commands and queries can be asked."""

from __future__ import annotations

import re
import shlex

import pytest
from pages import ROOT, blocks, read, table

from pipelines.catalog.views import empty_catalog
from pipelines.cli import cli
from pipelines.drift import GRAINS
from transforms.domain.license_changes import DIRECTIONS

PAGE = read("docs/drift.md")
COMMANDS = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]


def test_it_names_every_grain_and_direction() -> None:
    assert tuple(row["by"] for row in table(PAGE, "What is counted")) == GRAINS
    told = {row["direction"].replace(" ", "_") for row in table(PAGE, "Directions")}
    assert told == set(DIRECTIONS)


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_can_be_typed(line: str) -> None:
    program, name, *words = shlex.split(line)
    assert program == "byleave"
    cli.commands[name].make_context(name, [*words])
    if name == "sql":
        with empty_catalog() as connection:
            connection.execute(next(word for word in words if " " in word))


def test_its_picture_is_one_that_the_command_draws_and_small() -> None:
    (name,) = re.findall(r"!\[.*\]\((.*)\)", PAGE)
    picture = (ROOT / "docs" / name).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200_000
