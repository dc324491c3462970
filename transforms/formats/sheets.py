"""Lists with named columns, in either of two forms: CSV under a header, or JSON objects, one a line.

Both come to rows of text, so that whoever reads a list need not know in which form it came.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

from transforms.domain.errors import InputError
from transforms.domain.texts import did_you_mean, shown
from transforms.formats import jsonfiles
from transforms.formats.lists import Faults, Lines, blocks, check_text, fields, split

_ROWS_AT_ONCE = 1 << 16
_NAMES_LOOKED_AT = 30  # a line of a million commas is no header

Cells = Mapping[str, pa.Array]
"""Text by column, row for row, trimmed; empty where nothing is written, or the file has no such column."""


@dataclass(frozen=True)
class Columns:
    """What columns a list may have, and which it must have."""

    names: tuple[str, ...]
    required: tuple[str, ...]

    def faults(self, names: list[str]) -> list[str]:
        """What is wrong with a header, or with the members of an object."""
        are = f" Columns are {', '.join(self.names)}."
        unknown = [
            f"unknown column {shown(name)}.{did_you_mean(name, self.names) or are}"
            for name in names[:_NAMES_LOOKED_AT]
            if name not in self.names
        ]
        twice = [f"column {shown(name)} comes twice" for name in self.names if names.count(name) > 1]
        missing = [f"column {shown(name)} is missing.{are}" for name in self.required if name not in names]
        return [*unknown, *twice, *([] if unknown else missing)]


def read_sheet(data: bytes, place: str, columns: Columns, faults: Faults) -> Iterator[tuple[Lines, Cells]]:
    """The rows of a list, some thousands at a time.

    Args:
        data: the file: text in UTF-8, with or without a byte-order mark.
        place: its name, with which every message begins.
        columns: that it may have.
        faults: gets the lines that are no such rows, which are left out.

    Raises:
        InputError: the file is no text, or has another header.
    """
    check_text(data, place)
    begins = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    rows = _json if begins.startswith((b"{", b"[")) else _csv
    for lines, cells in rows(data, place, columns, faults):
        blank = pa.array([""] * len(lines), pa.string())
        yield lines, {name: cells.get(name, blank) for name in columns.names}
        faults.trim()


def _csv(data: bytes, place: str, columns: Columns, faults: Faults) -> Iterator[tuple[Lines, Cells]]:
    header: list[str] = []
    for lines, texts in blocks(data):
        if not header and len(texts):
            header = [name.strip() for name in fields(texts[0].as_py())]
            if wrong := columns.faults(header):
                raise InputError("\n".join(f"{place}, line {lines[0]}: {each}" for each in wrong))
            lines, texts = lines[1:], texts[1:]
        lines, cells = split(lines, texts, len(header), faults)
        yield lines, dict(zip(header, cells, strict=True))


def _json(data: bytes, place: str, columns: Columns, faults: Faults) -> Iterator[tuple[Lines, Cells]]:
    rows = _objects(data, place, columns, faults)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        lines = np.array([line for line, _ in some], np.int64)
        yield (
            lines,
            {name: pa.array([row.get(name, "") for _, row in some], pa.string()) for name in columns.names},
        )


def _objects(
    data: bytes, place: str, columns: Columns, faults: Faults
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each object whose members are columns and text, with its line."""
    try:
        for value in jsonfiles.values(io.BytesIO(data)):
            said = value.value
            if value.fault is not None:
                wrong = [f": {value.fault.detail}"]
            elif not isinstance(said, dict):
                wrong = [f": is no JSON object: {shown(said)}"]
            else:
                wrong = [f": {each}" for each in columns.faults(list(said))]
                wrong += [
                    f", {name}: {shown(cell)} is not text"
                    for name, cell in said.items()
                    if not _is_cell(cell)
                ]
                if not wrong:
                    yield value.line + 1, {name: (cell or "").strip() for name, cell in said.items()}
            faults.add(np.repeat(np.int64(value.line + 1), len(wrong)), iter(wrong))
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _is_cell(value: object) -> bool:
    return value is None or isinstance(value, str)
