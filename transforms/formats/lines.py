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
from transforms.formats.quarantine import Fault, Mask, Refused, Rows, fault

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

_STEP_BYTES = 1 << 18
_TAB, _FEED = ord("\t"), ord("\n")


def _ends(block: bytes, *, of_cells: bool) -> Rows:
    """Where lines end, or cells: at line feeds (and tabs), and at the block's end if that is none of them."""
    data = np.frombuffer(block, np.uint8)
    found = [np.empty(0, np.int64)]
    # Large temporaries go back to the system each time, and its pages cost more than looking at the bytes.
    for start in range(0, len(data), _STEP_BYTES):
        piece = data[start : start + _STEP_BYTES]
        ends = (piece == _FEED) | (piece == _TAB) if of_cells else piece == _FEED
        found.append(np.flatnonzero(ends) + start)
    if block and not block.endswith(b"\n"):
        found.append(np.array([len(block)]))
    return np.concatenate(found)


def _between(block: bytes, ends: Rows) -> pa.StringArray:
    """What ends there, and by turns what separates it: line or cell *i* is text *2 i*. No byte is copied."""
    bounds = np.zeros(2 * len(ends) + 1, np.int32)
    bounds[1::2] = ends
    bounds[2::2] = bounds[1::2]
    bounds[2:-1:2] += 1  # past what ends it; nothing follows the last one
    return pa.StringArray.from_buffers(2 * len(ends), pa.py_buffer(bounds), pa.py_buffer(block))


def _is_text(data: bytes) -> bool:
    whole = pa.py_buffer(np.array([0, len(data)], np.int32))
    try:
        pa.StringArray.from_buffers(1, whole, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


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
        split: cuts lines into lists of cells; without it, tabs do.
    """

    def __init__(self, block: bytes, fields: int, split: Split | None = None) -> None:
        self._block = block
        self._fields = fields
        self._faults: list[tuple[int, Fault]] = []
        ends = _ends(block, of_cells=split is None)
        # Of each line, the place of its last piece (cell, or itself) among all pieces of the block.
        ends_line = np.frombuffer(block, np.uint8)[ends[:-1]] == _FEED
        last = np.flatnonzero(np.append(ends_line, len(ends) > 0))
        pieces = np.diff(last, prepend=-1)
        line_ends = ends[last]
        self._starts = np.append(0, line_ends[:-1] + 1)[: len(last)]
        self._lengths = line_ends - self._starts
        self._rows = np.arange(len(last))
        self._refuse_unreadable()

        if split is None:
            self._texts = _between(block, ends)
            self._first = 2 * (last + 1 - pieces)
            self._step = 2
            counts = pieces[self._rows]
        else:
            lists = split(_between(block, ends).take(pa.array(2 * self._rows)))
            self._texts = lists.values
            self._first = np.zeros(len(last), np.int64)
            self._first[self._rows] = lists.offsets.to_numpy()[:-1]
            self._step = 1
            counts = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
        if (counts != fields).any():
            self.refuse(
                [
                    fault(counts == count, "field_count", f"{_fields(count)}, expected {fields}")
                    for count in np.unique(counts).tolist()
                    if count != fields
                ]
            )
        self._refuse_large_cells()

    def _refuse_unreadable(self) -> None:
        faults = []
        # No character spans lines, so a sound block has sound lines only.
        if not _is_text(self._block):
            unsound = [row for row in self._rows.tolist() if not _is_text(self._raw(row))]
            faults.append(Fault(np.array(unsound, np.int64), "invalid_utf8", "not UTF-8"))
        if b"\0" in self._block:
            nuls = np.flatnonzero(np.frombuffer(self._block, np.uint8) == 0)
            rows = np.unique(np.searchsorted(self._starts, nuls, side="right") - 1)
            faults.append(Fault(rows, "nul_byte", "holds a NUL byte"))
        self.refuse(faults)

    def _refuse_large_cells(self) -> None:
        if self._lengths[self._rows].max(initial=0) > CELL_BYTES:
            large = np.zeros(len(self), np.bool_)
            for place in range(self._fields):
                large |= pc.binary_length(self._cells(place)).to_numpy(zero_copy_only=False) > CELL_BYTES
            self.refuse([fault(large, "cell_too_large", "a cell is over 1 MiB")])

    def __len__(self) -> int:
        return len(self._rows)

    def _cells(self, place: int) -> pa.StringArray:
        return self._texts.take(pa.array(self._first[self._rows] + self._step * place))

    def column(self, place: int) -> pa.StringArray:
        """Column ``place`` (from 0) of the rows not refused, in order: text, no nulls."""
        column = self._cells(place)
        return _without_last_return(column) if place == self._fields - 1 else column

    def refuse(self, faults: list[Fault]) -> None:
        """Takes rows out. A fault's rows are numbers among the rows not refused; its first fault counts."""
        gone = np.zeros(len(self._rows), np.bool_)
        for row, one in quarantine.first_fault(faults):
            gone[row] = True
            self._faults.append((int(self._rows[row]), one))
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
            raw, length = self._raw(number), int(self._lengths[number])
            place = offset_bytes + int(self._starts[number])
            yield Refused(place, line + number, one.reason, one.detail, raw[: quarantine.RAW_BYTES], length)

    def _raw(self, number: int) -> bytes:
        start = int(self._starts[number])
        return self._block[start : start + int(self._lengths[number])]
