"""Blocks of tab-separated lines, cut into columns without any quoting: a `"` is data.

Only a line feed ends a line, only a tab ends a cell. One carriage return at the end of a line is left out
(CRLF); a lone one, a vertical tab or U+2028 are data. What reads CSV by another rule joins or splits rows
of real manifests without an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.formats import quarantine
from transforms.formats.quarantine import Fault, Mask, Refused, Rows, fault, mask_of

CELL_BYTES = 1 << 20


@dataclass(frozen=True)
class Parsed:
    """What a piece of a file held: rows read = ``len(rows) + len(quarantined)``, nothing is lost.

    Attributes:
        rows: in ``schemas.MANIFEST``, or ``schemas.LICENSES`` for a format of license snapshots.
        quarantined: in ``schemas.QUARANTINE``; places count from the start of the split.
        unparsable: cells of ``rows`` per column that became null because they could not be read.
    """

    rows: pa.Table
    quarantined: pa.Table
    unparsable: Mapping[str, int] = field(default_factory=dict)


Split = Callable[[pa.StringArray], pa.ListArray]


def _at_tabs(lines: pa.StringArray) -> pa.ListArray:
    return pc.split_pattern(lines, "\t")


def _lines(block: bytes) -> pa.BinaryArray:
    offsets = np.array([0, len(block)], np.int32)
    whole = pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(block)])
    lines = pc.split_pattern(whole, b"\n").values
    return lines.slice(0, len(lines) - 1) if block.endswith(b"\n") or not block else lines


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_text(lines: pa.BinaryArray) -> Rows:
    """The lines that are not UTF-8. No character spans lines, so a sound block has sound lines only."""
    suspects = np.flatnonzero(~mask_of(pc.string_is_ascii(lines.view(pa.string()))))
    return np.array([row for row in suspects.tolist() if not _is_text(lines[row].as_py())], np.int64)


def _without_last_return(cells: pa.StringArray) -> pa.StringArray:
    returns = pc.ends_with(cells, "\r")
    if not pc.any(returns).as_py():
        return cells
    return pc.if_else(returns, pc.utf8_slice_codeunits(cells, 0, -1), cells)


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


class Lines:
    """The columns of a block of lines, and which lines were refused.

    A format reads columns, refuses rows, and reads on: :meth:`column` gives the rows not refused so far.

    Args:
        block: whole lines, under 2 GiB; the last may lack its line feed.
        fields: how many cells a line must have. Lines with another number are refused, as are lines
            that are not UTF-8, hold a NUL, or have a cell over 1 MiB.
        split: cuts lines into lists of cells; at tabs, unless given.
    """

    def __init__(self, block: bytes, fields: int, split: Split = _at_tabs) -> None:
        self._block = block
        self._fields = fields
        self._faults: list[tuple[int, Fault]] = []
        lines = _lines(block)
        offsets = np.frombuffer(lines.buffers()[1], np.int32)[: len(lines) + 1].astype(np.int64)
        # Splitting leaves the line feeds out of its values; a line begins one byte later per line before it.
        self._starts = offsets[:-1] + np.arange(len(lines))
        self._lengths = np.diff(offsets)
        self._numbers = np.arange(len(lines))

        try:
            lines.view(pa.string()).validate(full=True)
        except pa.ArrowInvalid:
            lines = self._drop_lines(lines, [Fault(_not_text(lines), "invalid_utf8", "not UTF-8")])
        if b"\0" in block:
            holds_nul = mask_of(pc.match_substring(lines, b"\0"))
            lines = self._drop_lines(lines, [fault(holds_nul, "nul_byte", "holds a NUL byte")])
        cells = split(lines.view(pa.string()))
        counts = pc.list_value_length(cells).to_numpy(zero_copy_only=False)
        wrong = counts != fields
        if wrong.any():
            found = [
                fault(counts == count, "field_count", f"{_fields(count)}, expected {fields}")
                for count in np.unique(counts[wrong]).tolist()
            ]
            cells = self._drop_lines(cells, found)
        self._cells = cells.flatten()
        self._rows = np.arange(len(cells))
        self._refuse_large_cells()

    def _drop_lines(self, lines: pa.Array, faults: list[Fault]) -> pa.Array:
        gone = np.zeros(len(lines), np.bool_)
        for row, one in quarantine.first_fault(faults):
            gone[row] = True
            self._faults.append((int(self._numbers[row]), one))
        self._numbers = self._numbers[~gone]
        return lines.filter(pa.array(~gone))

    def _refuse_large_cells(self) -> None:
        longest = self._lengths[self._numbers].max(initial=0)
        if longest > CELL_BYTES:
            sizes = pc.binary_length(self._cells).to_numpy(zero_copy_only=False).reshape(-1, self._fields)
            large = (sizes > CELL_BYTES).any(axis=1)
            self.refuse([fault(large, "cell_too_large", "a cell is over 1 MiB")])

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, place: int) -> pa.StringArray:
        """Column ``place`` (from 0) of the rows not refused, in order: text, no nulls."""
        column = self._cells.take(pa.array(self._rows * self._fields + place))
        return _without_last_return(column) if place == self._fields - 1 else column

    def refuse(self, faults: list[Fault]) -> None:
        """Takes rows out. A fault's rows are numbers among the rows not refused; its first fault counts."""
        gone = np.zeros(len(self._rows), np.bool_)
        for row, one in quarantine.first_fault(faults):
            gone[row] = True
            self._faults.append((int(self._numbers[self._rows[row]]), one))
        if gone.any():
            self._rows = self._rows[~gone]

    def leave_out(self, mask: Mask) -> None:
        """Takes out rows that are none, such as a header: they are neither read nor refused."""
        self._rows = self._rows[~mask]

    def quarantined(self, offset_bytes: int, line: int) -> pa.Table:
        """The refused lines in ``schemas.QUARANTINE``, for a block that begins at this place of the split."""
        return quarantine.table(list(self._refused(offset_bytes, line)))

    def _refused(self, offset_bytes: int, line: int) -> Iterator[Refused]:
        for number, one in sorted(self._faults, key=lambda item: item[0]):
            start, length = int(self._starts[number]), int(self._lengths[number])
            raw = self._block[start : start + min(length, quarantine.RAW_BYTES)]
            yield Refused(offset_bytes + start, line + number, one.reason, one.detail, raw, length)
