"""Rows of cells under column names: what CSV and JSON lists have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.targets import KINDS
from transforms.domain.texts import did_you_mean, shown
from transforms.formats.lists import Faults, Lines
from transforms.formats.optouts.cells import FOUND, read_cells
from transforms.formats.optouts.entries import Received, complete
from transforms.formats.optouts.fields import FIELDS, read_fields

KIND_OF: Mapping[str, str | None] = MappingProxyType(
    {
        "item_id": "item",
        "owner_id": "owner",
        "alias": "alias",
        "name": "name",
        "url": "url",
        "host": "host",
        "content": "content",
        "tag": "tag",
        "target": None,
    }
)
"""Columns that name what is opted out, and the kind that may stand in each; None is any."""

NAMING = (*KIND_OF, "value")
COLUMNS = (*KIND_OF, "kind", "value", *FIELDS, "note")

_Named = tuple[npt.NDArray[np.int64], str | None, str]  # rows, the kind they must be of, the column


def columns_are() -> str:
    """A sentence that lists the columns."""
    return f" Columns are {', '.join(COLUMNS)}."


def read_rows(lines: Lines, columns: Mapping[str, pa.Array], received: Received, faults: Faults) -> pa.Table:
    """The entries of rows, of which each may name several things, and says the same of all of them.

    Args:
        lines: the line of each row.
        columns: text by column, among :data:`COLUMNS`, trimmed; empty where nothing is written.
        received: how the list came in.
        faults: gets what is not understood, and rows in which something is written that name nothing.

    Returns:
        A table of ``schemas.OPT_OUTS``.
    """
    fields = read_fields(lines, columns, received, faults)
    named = np.zeros(len(lines), np.bool_)
    tables = [FOUND.append(pa.field("at", pa.int64())).empty_table()]
    for rows, kind, column in _named(lines, columns, faults):
        named[rows] = True
        found = read_cells(lines[rows], columns[column].take(pa.array(rows)), kind, f", {column}", faults)
        at = rows[found["at"].to_numpy()]
        tables.append(found.set_column(len(FOUND), "at", pa.array(at)))
    written = np.zeros(len(lines), np.bool_)
    for cells in columns.values():
        written |= _filled(cells)
    if "kind" in columns:
        named |= _filled(columns["kind"]) | _filled(columns["value"])  # odd pairs are faults already
    bare = lines[written & ~named]
    faults.add(bare, (": names nothing that is opted out" for _ in bare))
    every = pa.concat_tables(tables)
    said = fields.take(every["at"])
    for name in said.column_names:
        every = every.append_column(name, said[name])
    return complete(every, received)


def _named(lines: Lines, columns: Mapping[str, pa.Array], faults: Faults) -> Iterator[_Named]:
    """The cells that name something: of which rows, what they must name, and under which column."""
    for column in columns:
        if column in KIND_OF:
            yield np.flatnonzero(_filled(columns[column])), KIND_OF[column], column
    if "kind" not in columns:
        return
    kinds, values = columns["kind"], columns["value"]
    filled = _filled(values)
    odd = filled & ~pc.is_in(kinds, pa.array(KINDS)).to_numpy(zero_copy_only=False)
    faults.add(
        lines[odd],
        (
            f", kind: {shown(kind)} is not one of {', '.join(KINDS)}.{did_you_mean(kind, KINDS)}"
            for kind in kinds.filter(pa.array(odd)).to_pylist()
        ),
    )
    alone = _filled(kinds) & ~filled
    faults.add(lines[alone], (", value: is empty, and kind is not" for _ in lines[alone]))
    for kind in KINDS:
        of_kind = pc.equal(kinds, kind).to_numpy(zero_copy_only=False) & filled
        yield np.flatnonzero(of_kind), kind, "value"


def _filled(cells: pa.Array) -> npt.NDArray[np.bool_]:
    return pc.not_equal(cells, "").to_numpy(zero_copy_only=False)
