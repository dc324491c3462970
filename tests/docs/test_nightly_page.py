"""docs/nightly.md names every key of the configuration and of the summary, and the order of exit codes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from pages import code, read, table

from pipelines.night import inbox, summary
from pipelines.night.settings import parse_settings
from pipelines.night.summary import Summary

PAGE = read("docs/nightly.md")


def keys(value: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, each in value.items():
        below = each[0] if isinstance(each, list) else each
        yield from keys(below, f"{path}{key}.") if isinstance(below, dict) else [f"{path}{key}"]


def test_every_key_of_the_configuration(tmp_path: Any) -> None:
    # The example has every key: some behind a #.
    example = re.sub(r"(?m)^# (\[|[a-z_]+ = )", r"\1", read("configs/nightly.toml"))
    parse_settings(example, "nightly.toml", tmp_path)
    stated = [row["key"] for row in table(PAGE, "The configuration")]
    assert sorted(stated) == sorted(keys(tomllib.loads(example)))


def test_every_key_of_the_summary() -> None:
    stated = {key for row in table(PAGE, "The summary") for key in code(row["key"]) or [row["key"]]}
    assert stated == Summary("s", 0, False).to_json().keys()


def test_the_worst_stands_first() -> None:
    codes = [int(row["code"]) for row in table(PAGE, "Exit codes")]
    assert codes == [*summary._WORST_FIRST, 0]


def test_endings_of_unfinished_files() -> None:
    assert {*inbox._UNFINISHED} <= set(code(PAGE))
