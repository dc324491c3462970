"""Rows that cannot be taken in: each with its reason, its place and its raw bytes, so that nothing is lost.

Reasons are stable names: ``field_count``, ``invalid_utf8``, ``nul_byte``, ``line_too_long``,
``cell_too_large``, ``source_unparsable``, ``item_id_missing``, ``item_id_unparsable``,
``owner_id_unparsable``, ``visibility_unparsable``, ``observed_on_unparsable``, ``person_present_unparsable``,
``license_missing``, ``answer_failed``, ``answer_unparsable``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.domain import schemas

RAW_BYTES = 1 << 20  # of a row, how much the quarantine keeps

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Fault(NamedTuple):
    """Rows, by number, that one reason keeps out; ``detail`` tells a person what was found and expected."""

    rows: Rows
    reason: str
    detail: str


class Why(NamedTuple):
    """For which reason something is kept out; ``detail`` tells a person what was found and expected."""

    reason: str
    detail: str


class Refused(NamedTuple):
    """One refused row and where it lies; ``raw`` is all of it, or its beginning."""

    offset_bytes: int
    line: int
    reason: str
    detail: str
    raw: bytes
    raw_bytes: int


def fault(mask: Mask, reason: str, detail: str) -> Fault:
    """The rows where ``mask`` is true, as a fault."""
    return Fault(np.flatnonzero(mask).astype(np.int64), reason, detail)


def mask_of(boolean: pa.Array) -> Mask:
    """An Arrow boolean column as numpy; null counts as false."""
    mask: Mask = boolean.fill_null(False).to_numpy(zero_copy_only=False)
    return mask


def first_fault(faults: Iterable[Fault]) -> list[tuple[int, Fault]]:
    """Each faulty row once, in the order of rows, with the first of ``faults`` that names it."""
    found: dict[int, Fault] = {}
    for one in faults:
        for row in one.rows.tolist():
            found.setdefault(row, one)
    return sorted(found.items(), key=lambda item: item[0])


def table(refused: Sequence[Refused]) -> pa.Table:
    """The refused rows as a table in ``schemas.QUARANTINE``, in their order; no ``raw`` is over 1 MiB."""
    if not refused:
        return schemas.QUARANTINE.empty_table()
    offsets, lines, reasons, details, raws, raw_bytes = zip(*refused, strict=True)
    columns = [offsets, lines, reasons, details, [raw[:RAW_BYTES] for raw in raws], raw_bytes]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schemas.QUARANTINE, strict=True)],
        schema=schemas.QUARANTINE,
    )
