"""Rows in byleave's own columns, checked one by one, whatever kind of file they came from."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.domain import licenses, schemas
from transforms.domain.errors import ConfigError
from transforms.domain.texts import shown
from transforms.formats import identity, quarantine, values
from transforms.formats.lines import CELL_BYTES, Parsed
from transforms.formats.quarantine import Fault, Mask, Refused, fault, mask_of

VISIBILITIES = pa.array(["public", "private", "deleted", "unknown"])
_MEDIA_TYPES = pa.array(["photo", "video", "unknown"])
_BOUNDS = {
    "longitude": (-180, 180),
    "latitude": (-90, 90),
    "accuracy": (1, 16),
    "width": (1, 2**31 - 1),
    "height": (1, 2**31 - 1),
}


class Rows:
    """Rows in one chunk, with their numbers in the file, and those refused so far.

    A refused row's place is its number; its raw bytes are the row as JSON.
    """

    def __init__(self, table: pa.Table, numbers: Sequence[int]) -> None:
        self.table = table
        self._numbers = list(numbers)
        self._refused: list[Refused] = []
        self.refuse(_unreadable(table))

    def column(self, name: str) -> pa.Array:
        """Column ``name`` of the rows not refused."""
        return self.table.column(name).combine_chunks()

    def refuse(self, faults: Sequence[Fault]) -> None:
        """Takes rows out; a fault's rows are numbers among the rows not refused."""
        kept = np.ones(len(self.table), np.bool_)
        for row, one in quarantine.first_fault(faults):
            kept[row] = False
            raw, number = _as_json(self.table.slice(row, 1)), self._numbers[row]
            self._refused.append(Refused(number, number, one.reason, one.detail, raw, len(raw)))
        if not kept.all():
            self.table = self.table.filter(pa.array(kept))
            self._numbers = [self._numbers[row] for row in np.flatnonzero(kept).tolist()]

    def quarantined(self, others: Iterable[Refused] = ()) -> pa.Table:
        """The refused rows, and ``others``, in ``schemas.QUARANTINE`` by their numbers."""
        return quarantine.table(sorted([*self._refused, *others]))


def read_manifest(rows: Rows) -> Parsed:
    """``rows`` in ``schemas.MANIFEST`` with canonical licenses, less those whose identity cannot be read.

    Integer columns may be of any width; numbers out of their range become null and are counted.
    """
    rows.refuse(_identity_faults(rows))
    columns = {name: rows.column(name) for name in schemas.MANIFEST.names}
    bounded = {name: _within(columns[name], name) for name in _BOUNDS}
    known = pc.index_in(columns["media_type"], _MEDIA_TYPES).fill_null(2)
    columns |= {"media_type": _MEDIA_TYPES.take(known), **_licenses(columns)}
    return Parsed(
        rows=pa.table({**columns, **bounded}, schema=schemas.MANIFEST),
        quarantined=rows.quarantined(),
        unparsable=values.lost({name: (columns[name], bounded[name]) for name in _BOUNDS}),
    )


def read_licenses(rows: Rows, settings: Mapping[str, object], others: Iterable[Refused] = ()) -> Parsed:
    """``rows`` in ``schemas.LICENSES`` with canonical licenses, less those that cannot be read.

    Args:
        rows: license snapshots. ``license_raw`` may be absent: it is then the license as written.
        settings: ``source`` and ``observed_on`` (ISO date) of rows that do not say theirs.
        others: rows of the file that were refused before.
    """
    rows.table = _with_defaults(rows.table, settings)
    rows.refuse([*_identity_faults(rows), *_snapshot_faults(rows)])
    columns = {name: rows.column(name) for name in schemas.LICENSES.names}
    return Parsed(
        rows=pa.table({**columns, **_licenses(columns)}, schema=schemas.LICENSES),
        quarantined=rows.quarantined(others),
    )


def may_be_absent(settings: Mapping[str, object]) -> set[str]:
    """The columns that a license snapshot may lack, given the defaults in ``settings``. Never visibility."""
    return {"license_raw", *(name for name in ("source", "observed_on") if settings.get(name) is not None)}


def _licenses(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    return {
        "license": licenses.normalize(columns["license"]),
        "license_raw": pc.coalesce(columns["license_raw"], columns["license"]),
    }


def _within(numbers: pa.Array, name: str) -> pa.Array:
    low, high = _BOUNDS[name]
    inside = pc.and_(pc.greater_equal(numbers, low), pc.less_equal(numbers, high))
    return pc.if_else(inside, numbers, None).cast(schemas.MANIFEST.field(name).type)


def _with_defaults(table: pa.Table, settings: Mapping[str, object]) -> pa.Table:
    defaults = {"source": settings.get("source"), "observed_on": _day(settings), "license_raw": None}
    for name, default in defaults.items():
        value = pa.scalar(default, schemas.LICENSES.field(name).type)
        if name not in table.column_names:
            table = table.append_column(name, pa.repeat(value, len(table)))
        elif default is not None:
            filled = table.column(name).fill_null(value)
            table = table.set_column(table.column_names.index(name), name, filled)
    return table


def _day(settings: Mapping[str, object]) -> datetime.date | None:
    day = settings.get("observed_on")
    try:
        return None if day is None else datetime.date.fromisoformat(str(day))
    except ValueError:
        raise ConfigError(f"observed_on is {shown(day)}: write a date as 2026-11-01") from None


def _identity_faults(rows: Rows) -> list[Fault]:
    items = identity.item_faults(rows.column("source"), rows.column("item_id"))
    return [*items, *identity.owner_faults(rows.column("owner_id"))]


def _snapshot_faults(rows: Rows) -> list[Fault]:
    unsaid = ~mask_of(pc.is_in(rows.column("visibility"), VISIBILITIES))
    undated = ~mask_of(rows.column("observed_on").is_valid())
    return [
        fault(unsaid, "visibility_unparsable", "visibility is not public, private, deleted or unknown"),
        fault(undated, "observed_on_unparsable", "the date of observation is missing, or is no date"),
    ]


# --- Cells that no step could work with --------------------------------------------------------------------


def _unreadable(rows: pa.Table) -> list[Fault]:
    broken, large = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    for column in (chunked.combine_chunks() for chunked in rows.columns):
        for row, cells in _texts(column):
            large[row[_sizes(cells) > CELL_BYTES]] = True
            try:
                cells.validate(full=True)
            except pa.ArrowInvalid:
                broken[row[_not_utf8(cells)]] = True
    return [
        fault(broken, "invalid_utf8", "not UTF-8"),
        fault(large, "cell_too_large", "a cell is over 1 MiB"),
    ]


def _texts(column: pa.Array) -> Iterator[tuple[quarantine.Rows, pa.Array]]:
    """The column's texts, if it has any, and the row of each."""
    if pt.is_string(column.type):
        yield np.arange(len(column)), column
    elif pt.is_list(column.type):
        yield pc.list_parent_indices(column).to_numpy(), column.flatten()


def _sizes(cells: pa.Array) -> quarantine.Rows:
    sizes: quarantine.Rows = pc.binary_length(cells).fill_null(0).to_numpy(zero_copy_only=False)
    return sizes


def _not_utf8(cells: pa.Array) -> Mask:
    return np.array([not _decodes(cell) for cell in cells.view(pa.binary()).to_pylist()], np.bool_)


def _decodes(cell: bytes | None) -> bool:
    try:
        (cell or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_json(row: pa.Table) -> bytes:
    shown_row = {name: _shown(row.column(name).combine_chunks()) for name in row.column_names}
    return json.dumps(shown_row, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _shown(cell: pa.Array) -> object:
    if not cell[0].is_valid:
        return None
    if pt.is_list(cell.type):
        elements = cell.flatten()
        return [_shown(elements[place : place + 1]) for place in range(len(elements))]
    if pt.is_string(cell.type):
        return cell.view(pa.binary())[0].as_py().decode("utf-8", "backslashreplace")
    return cell.cast(pa.string())[0].as_py()
