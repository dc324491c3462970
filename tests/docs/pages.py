"""The documentation as tests read it: Markdown's tables, and blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

Row = dict[str, str]


def documents() -> list[Path]:
    """Every page, README and the rest."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read(name: str) -> str:
    """A page by its path in the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def table(text: str, heading: str) -> list[Row]:
    """The first table below a heading (without its `#`): for each row, its cells by the names of the columns.

    Code marks around a whole cell are left out.
    """
    (section,) = re.findall(rf"(?ms)^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text)
    lines = [line for line in _first_run(section.splitlines()) if not re.fullmatch(r"[|: -]+", line)]
    header, *rows = [_cells(line) for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


def blocks(text: str, language: str) -> list[str]:
    """The blocks of code in a language."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def code(text: str) -> list[str]:
    """What stands between single code marks, outside of blocks of code."""
    return re.findall(r"`([^`]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))


def _first_run(lines: list[str]) -> Iterator[str]:
    begun = False
    for line in lines:
        if line.startswith("|"):
            begun = True
            yield line
        elif begun:
            return


def _cells(line: str) -> list[str]:
    cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    return [re.sub(r"^`([^`]*)`$", r"\1", cell) for cell in cells]
