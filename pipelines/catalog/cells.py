"""Values as text: what stands in a cell of an answer, whoever wrote it.

Text in a manifest is written by strangers; :func:`visible` keeps it from speaking to a terminal.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# What moves the cursor, colors, rings, hides, or turns the direction of writing; not the joiners of emoji.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_UNPRINTABLE_BYTE = re.compile(rb"[^ -\[\]-~]")  # nor a backslash, which begins an escape


def visible(text: str) -> str:
    r"""``text`` with its control characters spelled out: ESC is ``\x1b``."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def words(value: Any) -> str:
    r"""A value in words: text as it is, bytes with ``\x..`` where they are not printable, lists as JSON.

    A span of time is one of ISO 8601, such as ``P0M2DT1.5S``.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case bytes():
            return _UNPRINTABLE_BYTE.sub(lambda found: b"\\x%02X" % found[0][0], value).decode("ascii")
        case list() | dict():
            return to_json(value)
        case pa.MonthDayNano(months=months, days=days, nanoseconds=nanoseconds):
            return f"P{months}M{days}DT{Decimal(nanoseconds).scaleb(-9).normalize():f}S"
        case _:
            return str(value)


def to_json(value: Any) -> str:
    r"""A value as JSON on one line, in which a terminal finds nothing to obey: ESC is ``\u001b``.

    NaN and the infinities are null, since JSON has no number for them.
    """
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_plain)
    return _UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def python_rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """The rows of a batch; times are text, as :func:`times_as_text` writes them."""
    columns = [times_as_text(column).to_pylist() for column in batch.columns]
    return zip(*columns, strict=True)


def times_as_text(column: pa.Array) -> pa.Array:
    """A column of times as ISO 8601, row for row; another column as it is.

    By Arrow, not by Python: the clocks of cameras say years for which Python has no time.
    """
    if not pa.types.is_temporal(column.type) or pa.types.is_interval(column.type):
        return column
    text = column.cast(pa.string())
    text = pc.replace_substring_regex(text, r"(\.[0-9]*?)0+(Z?)$", r"\1\2")
    text = pc.replace_substring_regex(text, r"\.(Z?)$", r"\1")
    return (
        pc.replace_substring_regex(text, "^([0-9-]+) ", r"\1T")
        if pa.types.is_timestamp(column.type)
        else text
    )


def _plain(value: Any) -> Any:
    """A value that JSON has no form for, as one that it has."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return words(value)


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case pa.MonthDayNano():
            return words(value)
        case list():
            return [_finite(each) for each in value]
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case _:
            return value
