"""Rows that say the same in some columns, and their days as numbers."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

FOREVER = 1 << 40
"""A day later than any other: of what has no end."""


def group(rows: pa.Table, columns: Sequence[str]) -> tuple[Ints, Ints]:
    """The group of each row, equal where all ``columns`` are, nulls too; and the first row of each group.

    Groups are numbered from 0, in no order that means anything.
    """
    codes = np.zeros(len(rows), np.int64)
    firsts = np.zeros(min(len(rows), 1), np.int64)
    for name in columns:
        encoded = pc.dictionary_encode(rows[name].combine_chunks(), null_encoding="encode")
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        if len(encoded.dictionary) > 1:
            codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
            _, firsts, codes = np.unique(codes, return_index=True, return_inverse=True)
    return codes, firsts


def day_number(day: datetime.date) -> int:
    """Days since 1970."""
    return (day - datetime.date(1970, 1, 1)).days


def day_numbers(days: pa.ChunkedArray) -> Ints:
    """Days since 1970 of each; null is :data:`FOREVER`."""
    numbers: Ints = days.cast(pa.int32()).cast(pa.int64()).fill_null(FOREVER).to_numpy()
    return numbers
