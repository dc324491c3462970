"""byleave's own columns as a file holds them: which must be there, and which types can be read as theirs."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.domain.errors import InputError
from transforms.domain.texts import did_you_mean, shown
from transforms.formats import values

_IDS = ("item_id", "owner_id")


def check_columns(found: pa.Schema, wanted: pa.Schema, optional: Collection[str] = ()) -> None:
    """Nothing, if a file with columns ``found`` can be read in the columns of ``wanted``.

    Names are compared exactly: a misspelt column would be a column of nulls, and what is null is matched
    by no opt-out.

    Raises:
        InputError: a column is missing, unknown, twice there, or of another type; all faults in one message.
    """
    faults = []
    for name in dict.fromkeys(found.names):
        if found.names.count(name) > 1:
            faults.append(f"column {shown(name)} is there {found.names.count(name)} times.")
        elif name not in wanted.names:
            faults.append(f"column {shown(name)} is unknown.{did_you_mean(name, wanted.names)}")
        elif not _is_readable(name, found.field(name).type, wanted.field(name).type):
            faults.append(f"column {name!r} is {found.field(name).type}, not {wanted.field(name).type}.")
        if len(faults) == 5:
            faults.append("...")
            break
    missing = [name for name in wanted.names if name not in found.names and name not in optional]
    faults += [f"column {name!r} is missing." for name in missing]
    if faults:
        raise InputError(f"{' '.join(faults)} Write the columns {', '.join(wanted.names)}.")


def _is_text(kind: pa.DataType) -> bool:
    if pt.is_dictionary(kind):
        kind = kind.value_type
    return pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)


def _is_readable(name: str, found: pa.DataType, wanted: pa.DataType) -> bool:
    if pt.is_string(wanted):
        return _is_text(found) or (name in _IDS and pt.is_integer(found))
    if pt.is_list(wanted):
        return (pt.is_list(found) or pt.is_large_list(found)) and _is_text(found.value_type)
    if pt.is_timestamp(wanted):
        return pt.is_timestamp(found) and found.tz in (None, "UTC")
    if pt.is_floating(wanted):
        return pt.is_floating(found)
    if pt.is_integer(wanted):
        return pt.is_integer(found)
    if pt.is_boolean(wanted):
        return pt.is_boolean(found)
    return pt.is_date(found)


def read_as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """The column as ``kind``, which :func:`check_columns` found readable; integers become int64.

    Text is not looked at: it may be no UTF-8. A time that 64 bits of milliseconds cannot hold becomes null.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if column.type == kind:
        return column
    if pt.is_list(kind):
        # A list's null may hide elements; `flatten` leaves them out, so offsets are made anew.
        lengths = pc.list_value_length(column).fill_null(0)
        offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
        elements = read_as(column.flatten(), pa.string())
        mask = column.is_null()
        return pa.ListArray.from_arrays(offsets.cast(pa.int32()), elements, type=kind, mask=mask)
    if pt.is_timestamp(kind):
        return _milliseconds(column)
    if pt.is_integer(kind):
        return values.cast_or_null(column.cast(pa.string()), pa.int64())
    return column.cast(kind)


def _milliseconds(times: pa.Array) -> pa.Array:
    if times.type.unit == "s":
        # The last second whose milliseconds fit in 64 bits; beyond, a cast would wrap around.
        last = 2**63 // 1000 - 1
        seconds = times.view(pa.int64())
        fits = pc.and_(pc.greater_equal(seconds, -last), pc.less_equal(seconds, last))
        times = pc.if_else(fits, times, None)
    return times.cast(pa.timestamp("ms", times.type.tz), safe=False).cast(values.TIMESTAMP)
