"""License snapshots as CSV: a header naming the columns of ``schemas.LICENSES``, and quotes where needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from transforms.domain import schemas
from transforms.domain.errors import InputError
from transforms.formats import heads, values
from transforms.formats.columns import check_columns
from transforms.formats.lines import Parsed
from transforms.formats.ownrows import Rows, may_be_absent, read_licenses
from transforms.formats.quarantine import Fault, Refused, fault, mask_of

name = "licenses-csv"
kind = "licenses"

_BLOCK_BYTES = 4 << 20
_COLUMNS = schemas.LICENSES.names
_FIRST_ROW = 2  # Arrow counts rows from 1, and the header is one


def variant(head: bytes, place: str) -> dict[str, object]:
    """No settings; the header is only looked at.

    Raises:
        InputError: it names none of the columns.
    """
    header = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    if not {cell.strip().strip('"') for cell in header.split(",")} & set(_COLUMNS):
        raise heads.not_of_format(head, place, name, f"a header with the columns {', '.join(_COLUMNS)}")
    return {}


def batches(file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Parsed]:
    """The rows in pieces, in the order of the file; a row's place is its number after the header, from 0.

    Args:
        file: is read once, from its beginning on.
        settings: see ``ownrows.read_licenses``.

    Raises:
        InputError: the file has other columns, or a quote left open. The message does not name the file.
    """
    invalid: list[pa.csv.InvalidRow] = []

    def skip(row: pa.csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    number = 0
    for batch in _read(file, may_be_absent(settings), skip):
        numbers, after = _numbers(number, len(batch), [row.number - _FIRST_ROW for row in invalid])
        wrong = [_refused(row) for row in invalid if row.number - _FIRST_ROW < after]
        del invalid[: len(wrong)]
        number = after
        rows = Rows(pa.table(_typed(batch)), numbers)
        rows.refuse([_line_breaks(rows)])
        yield read_licenses(rows, settings, wrong)
    if invalid:
        nothing = pa.table({field.name: pa.array([], field.type) for field in schemas.LICENSES})
        yield read_licenses(Rows(nothing, []), settings, map(_refused, invalid))


def _read(file: IO[bytes], optional: set[str], skip: object) -> Iterator[pa.RecordBatch]:
    try:
        reader = pa.csv.open_csv(
            file,
            pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            pa.csv.ConvertOptions(
                # UTF-8 is checked row by row; here one bad byte would fail the file.
                check_utf8=False,
                column_types={column: pa.string() for column in _COLUMNS},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        as_text = pa.schema([(field.name, pa.string()) for field in schemas.LICENSES])
        check_columns(reader.schema, as_text, optional)
        yield from reader
    except (pa.ArrowException, ValueError) as error:
        cause = " ".join(str(error).split())[:200]
        raise InputError(f"CSV that cannot be read ({cause}). Look for a quote left open.") from None


def _numbers(first: int, count: int, skipped: list[int]) -> tuple[list[int], int]:
    """The numbers of ``count`` rows from ``first`` on that are not skipped, and the number after the last."""
    inside = [number for number in skipped if number >= first]
    candidates = np.setdiff1d(np.arange(first, first + count + len(inside)), inside)
    numbers = candidates[:count].tolist()
    return numbers, (numbers[-1] + 1 if numbers else first)


def _refused(row: pa.csv.InvalidRow) -> Refused:
    raw = row.text.encode()
    number = row.number - _FIRST_ROW
    detail = f"{row.actual_columns} fields, expected {row.expected_columns}"
    return Refused(number, number, "field_count", detail, raw, len(raw))


def _typed(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    if "observed_on" in columns:
        columns["observed_on"] = values.dates(columns["observed_on"])
    return columns


def _line_breaks(rows: Rows) -> Fault:
    # No column of a snapshot holds one: an open quote has swallowed the lines up to the next.
    broken = np.zeros(len(rows.table), np.bool_)
    for column in rows.table.column_names:
        if pa.types.is_string(rows.table.column(column).type):
            broken |= mask_of(pc.match_substring(rows.column(column), "\n"))
    return fault(broken, "field_count", "a line break within a cell: a quote is left open")
