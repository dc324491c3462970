from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rowbyrow import lines_of

from transforms.formats.lines import CELL_BYTES, Lines
from transforms.formats.quarantine import RAW_BYTES, Fault

PIECES = [b"a", b"\xc3\xa9", b"\t", b"\t", b"\t", b"\n", b"\n", b"\r", b'"', b"\0", b"\x0b", b"\xff", b"\xc3"]
PIECES += ["\u2028".encode(), b"\xed\xa0\x80", b"\xc0\xaf", b"\r\n", b"\t\n"]
blocks = st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)


@given(blocks, st.integers(1, 4), st.integers(0, 1000), st.integers(0, 50))
def test_lines_agree_with_the_oracle(block: bytes, fields: int, offset: int, line: int) -> None:
    lines = Lines(block, fields)
    rows, bad = lines_of(block, fields)
    columns = [lines.column(place).to_pylist() for place in range(fields)]
    assert [list(cells) for cells in zip(*columns, strict=True)] == [cells for _, _, cells in rows]
    found = lines.quarantined(offset, line).to_pylist()
    got = [(q["offset_bytes"] - offset, q["line"] - line, q["reason"], q["raw"]) for q in found]
    assert got == bad
    assert all(q["raw_bytes"] == len(q["raw"]) for q in found)


@given(blocks.filter(lambda block: block), st.data())
def test_refused_rows_keep_their_own_place(block: bytes, data: st.DataObject) -> None:
    rows, bad = lines_of(block, 2)
    lines = Lines(block, 2)
    picked = data.draw(st.sets(st.integers(0, len(rows) - 1))) if rows else set()
    lines.refuse([Fault(np.array(sorted(picked), np.int64), "mine", "because")])
    stay = [cells[0] for place, (_, _, cells) in enumerate(rows) if place not in picked]
    assert lines.column(0).to_pylist() == stay
    again = data.draw(st.sets(st.integers(0, len(stay) - 1))) if stay else set()
    lines.refuse([Fault(np.array(sorted(again), np.int64), "later", "because")])
    expected = {number: reason for _, number, reason, _ in bad}
    left = [number for place, (_, number, _) in enumerate(rows) if place not in picked]
    expected |= {rows[place][1]: "mine" for place in picked} | {left[place]: "later" for place in again}
    found = lines.quarantined(0, 0)
    assert dict(zip(found["line"].to_pylist(), found["reason"].to_pylist(), strict=True)) == expected
    assert found["line"].to_pylist() == sorted(expected)
    assert len(lines) + len(found) == len(rows) + len(bad)


def test_details_say_what_was_found() -> None:
    found = Lines(b"a\tb\n\nc\n\xff\t\n", 3).quarantined(0, 0)
    assert found["detail"].to_pylist() == [
        "2 fields, expected 3",
        "1 field, expected 3",
        "1 field, expected 3",
        "not UTF-8",
    ]


@pytest.mark.parametrize(("size", "reasons"), [(CELL_BYTES, []), (CELL_BYTES + 1, ["cell_too_large"])])
def test_a_cell_over_a_mebibyte_is_refused(size: int, reasons: list[str]) -> None:
    lines = Lines(b"a\tb\nc\t" + b"x" * size + b"\nd\te\n", 2)
    found = lines.quarantined(0, 0)
    assert found["reason"].to_pylist() == reasons
    assert len(lines) == 3 - len(reasons)
    if reasons:
        assert found["raw_bytes"].to_pylist() == [size + 2]
        assert len(found["raw"][0].as_py()) == RAW_BYTES


def test_a_long_line_of_small_cells_is_kept() -> None:
    assert len(Lines(b"\t".join([b"x" * (CELL_BYTES // 2)] * 4) + b"\n", 4)) == 1
