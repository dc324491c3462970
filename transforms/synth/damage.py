"""Broken lines: copies of good lines with one fault each, to be quarantined for a known reason."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from transforms.synth.draws import I64, draw, pick
from transforms.synth.population import Population

FAULTS = ("field_count", "invalid_utf8", "item_id_missing", "item_id_unparsable")
"""The reasons, in the order in which broken lines take turns."""

_NOT_UTF8 = (b"caf\xe9", b"\xc0\xaf", b"half\xe2\x82", b"\xff\xfe", b"\xed\xa0\x80")
_NOT_IDS = (b"n/a", b"12a4567890", b"-6985123456", b"1.02e10", b"0x1f3a")


def faults(bad_rows: int) -> dict[str, int]:
    """How many of ``bad_rows`` broken lines have each fault, by reason, without zeros."""
    turns = {fault: (bad_rows + len(FAULTS) - 1 - place) // len(FAULTS) for place, fault in enumerate(FAULTS)}
    return {fault: count for fault, count in turns.items() if count}


def broken_among(people: Population, bad_rows: int, low: int, high: int) -> tuple[I64, I64]:
    """Numbers of the broken lines that stand before lines ``low`` to ``high``, and those lines, ascending."""
    number = np.arange(bad_rows)
    before = pick(draw(people.seed, "broken line", number), people.rows)
    inside = np.flatnonzero((before >= low) & (before < high))
    inside = inside[np.argsort(before[inside], kind="stable")]
    return number[inside], before[inside]


def with_broken(lines: pa.StringArray, numbers: I64, before: I64, columns: int) -> pa.BinaryArray:
    """``lines`` as binary, with broken line ``numbers[i]`` put in front of the one at place ``before[i]``."""
    good = lines.cast(pa.binary())
    models = good.take(pa.array(before)).to_pylist()
    bad = [_broken(line, number, columns) for line, number in zip(models, numbers.tolist(), strict=True)]
    order = np.argsort(np.concatenate([np.arange(len(good)) * 2 + 1, before * 2]), kind="stable")
    return pa.concat_arrays([good, pa.array(bad, pa.binary())]).take(pa.array(order))


def _broken(line: bytes, number: int, columns: int) -> bytes:
    fault, turn = FAULTS[number % len(FAULTS)], number // len(FAULTS)
    fields = line[:-1].split(b"\t")
    item_id, title = (0, 6) if columns == 23 else (1, 8)
    if fault == "field_count":
        fields = (fields[:-1], [*fields, b""], fields[:3])[turn % 3]
    elif fault == "invalid_utf8":
        fields[title] = _NOT_UTF8[turn % len(_NOT_UTF8)]
    elif fault == "item_id_missing":
        fields[item_id] = b""
    else:
        fields[item_id] = _NOT_IDS[turn % len(_NOT_IDS)]
    return b"\t".join(fields) + b"\n"
