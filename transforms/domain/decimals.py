"""Ids that are decimal numbers: compared as integers they cost a fraction of what texts do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_POWERS_OF_TEN = np.array([10**digits for digits in range(1, 19)], np.int64)


class Decimals(NamedTuple):
    """Numbers and how many digits each has, row for row."""

    numbers: npt.NDArray[np.int64]
    digits: npt.NDArray[np.int64]


def plain_decimals(texts: pa.Array | pa.ChunkedArray) -> Decimals | None:
    """The numbers that ``texts`` spell; None unless each is the one decimal spelling of its number.

    So `7` and `07` never pass for each other, and numbers that are equal are equal texts. Numbers have at
    most 18 digits; signs, blanks and nulls are no part of one.
    """
    if texts.null_count or not pa.types.is_string(texts.type) or not len(texts):
        return None
    try:
        numbers = texts.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    digits = np.searchsorted(_POWERS_OF_TEN, numbers, side="right") + 1
    plain = np.array_equal(digits, pc.binary_length(texts).to_numpy())
    return Decimals(numbers, digits) if plain and numbers.min() >= 0 and digits.max() <= 18 else None
