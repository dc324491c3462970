"""Rows of a file that cannot be cut at lines: a row's place is its number in the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.formats import quarantine
from transforms.formats.lines import CELL_BYTES
from transforms.formats.quarantine import Fault, Mask, Refused, Rows, fault


class FileRows:
    """Rows in one chunk, and which of them were refused: at first those with a cell over 1 MiB or not UTF-8.

    Args:
        table: texts (``pa.string()``) may hold any bytes.
        numbers: of each row in the file, ascending; or of the first, where the others follow it.
        written: the raw bytes of a row by its place in ``table``; without it they are the row as JSON.
    """

    def __init__(
        self, table: pa.Table, numbers: int | Rows, written: Callable[[int], bytes] | None = None
    ) -> None:
        self._table = table
        self._numbers = numbers + np.arange(len(table)) if isinstance(numbers, int) else numbers
        self._places = np.arange(len(table))
        self._written = written
        self._refused: list[Refused] = []
        self.refuse(_unreadable(table))

    def columns(self) -> dict[str, pa.Array]:
        """The columns of the rows not refused."""
        return {name: self._table.column(name).combine_chunks() for name in self._table.column_names}

    def __len__(self) -> int:
        return len(self._table)

    def refuse(self, faults: Sequence[Fault]) -> None:
        """Takes rows out. A fault's rows are numbers among the rows not refused; its first fault counts."""
        kept = np.ones(len(self._table), np.bool_)
        for row, one in quarantine.first_fault(faults):
            kept[row] = False
            number = int(self._numbers[row])
            raw = (
                self._written(int(self._places[row]))
                if self._written
                else _as_json(self._table.slice(row, 1))
            )
            self._refused.append(Refused(number, number, one.reason, one.detail, raw, len(raw)))
        if not kept.all():
            self._table = self._table.filter(pa.array(kept))
            self._numbers, self._places = self._numbers[kept], self._places[kept]

    def quarantined(self) -> pa.Table:
        """The refused rows in ``schemas.QUARANTINE``, by their numbers."""
        return quarantine.table(sorted(self._refused))


def _unreadable(table: pa.Table) -> list[Fault]:
    broken, large = np.zeros(len(table), np.bool_), np.zeros(len(table), np.bool_)
    for column in (chunked.combine_chunks() for chunked in table.columns):
        for row, cells in _texts(column):
            sizes = pc.binary_length(cells).fill_null(0).to_numpy(zero_copy_only=False)
            large[row[sizes > CELL_BYTES]] = True
            try:
                cells.validate(full=True)
            except pa.ArrowInvalid:
                broken[row[_not_utf8(cells)]] = True
    return [
        fault(broken, "invalid_utf8", "not UTF-8"),
        fault(large, "cell_too_large", "a cell is over 1 MiB"),
    ]


def _texts(column: pa.Array) -> Iterator[tuple[Rows, pa.Array]]:
    """The column's texts, if it has any, and the row of each."""
    if pt.is_string(column.type):
        yield np.arange(len(column)), column
    elif pt.is_list(column.type):
        yield pc.list_parent_indices(column).to_numpy(), column.flatten()


def _not_utf8(cells: pa.Array) -> Mask:
    return np.array([not _decodes(cell) for cell in cells.view(pa.binary()).to_pylist()], np.bool_)


def _decodes(cell: bytes | None) -> bool:
    try:
        (cell or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_json(row: pa.Table) -> bytes:
    cells = {name: _shown(row.column(name).combine_chunks()) for name in row.column_names}
    return json.dumps(cells, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _shown(cell: pa.Array) -> object:
    if not cell[0].is_valid:
        return None
    if pt.is_list(cell.type):
        elements = cell.flatten()
        return [_shown(elements[place : place + 1]) for place in range(len(elements))]
    if pt.is_string(cell.type):
        return cell.view(pa.binary())[0].as_py().decode("utf-8", "backslashreplace")
    return cell.cast(pa.string())[0].as_py()
