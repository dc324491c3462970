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
    """What columns a list may have.

    Attributes:
        names: of all of them.
        required: those that a header must have.
        naming: of which it must have one: they say what a row speaks of.
        listed: that JSON may give as a list of texts; as text they have ``;`` in between.
        numbered: that JSON may give as an integer.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    naming: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()

    def check(self, header: list[str], where: str) -> None:
        """Hold a header to it.

        Raises:
            InputError: with a line, beginning with ``where``, for each thing that is wrong.
        """
        unknown = [each for name in header[:_NAMES_LOOKED_AT] for each in self.unknown("column", name)]
        wrong = [f"column {shown(name)} comes twice" for name in self.names if header.count(name) > 1]
        if not unknown:  # else what is missing is there, misspelled
            if self.naming and not {*self.naming} & {*header}:
                wrong.append(
                    f"no column names what is spoken of: one of {', '.join(self.naming)}.{self._are}"
                )
            missing = [name for name in self.required if name not in header]
            wrong += [f"column {shown(name)} is missing.{self._are}" for name in missing]
        if found := [*unknown, *wrong]:
            raise InputError("\n".join(f"{where}: {each}" for each in found))

    def unknown(self, what: str, name: str) -> Iterator[str]:
        """What to say of a ``what`` of this name, if there is no such column."""
        if name not in self.names:
            yield f"unknown {what} {shown(name)}.{did_you_mean(name, self.names) or self._are}"

    def text(self, name: str, value: object) -> str | None:
        """A member of a JSON object as CSV would have it; None if it cannot be."""
        if value is None:
            return ""
        if name in self.listed and isinstance(value, list) and all(isinstance(each, str) for each in value):
            return ";".join(value)
        if name in self.numbered and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value.strip() if isinstance(value, str) else None

    @property
    def _are(self) -> str:
        return f" Columns are {', '.join(self.names)}."


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
    read = _json if begins.startswith((b"{", b"[")) else _csv
    for lines, cells in read(data, place, columns, faults):
        blank = pa.array([""] * len(lines), pa.string())
        yield lines, {name: cells.get(name, blank) for name in columns.names}
        faults.trim()


def _csv(data: bytes, place: str, columns: Columns, faults: Faults) -> Iterator[tuple[Lines, Cells]]:
    header: list[str] = []
    for lines, texts in blocks(data):
        if not header and len(texts):
            header = [name.strip() for name in fields(texts[0].as_py())]
            columns.check(header, f"{place}, line {lines[0]}")
            lines, texts = lines[1:], texts[1:]
        lines, cells = split(lines, texts, len(header), faults)
        yield lines, dict(zip(header, cells, strict=True))


def _json(data: bytes, place: str, columns: Columns, faults: Faults) -> Iterator[tuple[Lines, Cells]]:
    rows = _objects(data, place, columns, faults)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        cells = {
            name: pa.array([row.get(name, "") for _, row in some], pa.string()) for name in columns.names
        }
        yield np.array([line for line, _ in some], np.int64), cells


def _objects(
    data: bytes, place: str, columns: Columns, faults: Faults
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each object whose members are columns and text, with its line."""
    try:
        for value in jsonfiles.values(io.BytesIO(data)):
            wrong: list[str] = []
            cells: dict[str, str] = {}
            if value.fault is not None:
                wrong.append(f": {value.fault.detail}")
            elif not isinstance(value.value, dict):
                wrong.append(f": is no JSON object: {shown(value.value)}")
            else:
                for name, member in value.value.items():
                    text = columns.text(name, member)
                    wrong += [f": {words}" for words in columns.unknown("member", name)]
                    if text is None and name in columns.names:
                        wrong.append(f", {name}: {shown(member)} is not text")
                    cells[name] = text or ""
            if not wrong:
                yield value.line + 1, cells
            faults.add(np.repeat(np.int64(value.line + 1), len(wrong)), iter(wrong))
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
