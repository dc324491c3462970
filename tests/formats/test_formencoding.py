from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rowbyrow import unform

from transforms.formats.formencoding import decode

PIECES = [
    "%",
    "%2",
    "%2C",
    "%41",
    "%c3%a9",
    "%C3",
    "%A9",
    "%e2%80%a8",
    "%ff",
    "%00",
    "%zz",
    "+",
    "%2B",
    "é",
    "a",
    "4",
    "F",
]
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
columns = st.lists(st.none() | texts, max_size=30)


def by_row(cells: list[str | None]) -> list[str | None]:
    return [None if cell is None else (unform(cell) or "") for cell in cells]


@given(columns, st.integers(0, 5), st.integers(0, 30))
def test_agrees_with_urllib_on_slices(cells: list[str | None], start: int, length: int) -> None:
    column = pa.array(cells, pa.string()).slice(start, length)
    decoded = decode(column)
    decoded.validate(full=True)
    assert decoded.type == pa.string()
    assert decoded.to_pylist() == by_row(cells[start : start + length])


@given(st.lists(st.none() | st.lists(texts, max_size=4), max_size=10))
def test_works_on_the_values_of_lists(lists: list[list[str] | None]) -> None:
    values = pa.array(lists, pa.list_(pa.string())).values
    assert decode(values).to_pylist() == by_row(values.to_pylist())


@given(st.text(max_size=30))
def test_text_without_signs_is_itself(text: str) -> None:
    plain = text.replace("+", "").replace("%", "")
    assert decode(pa.array([plain])).to_pylist() == [plain]


def test_an_escape_never_reaches_into_the_next_text() -> None:
    assert decode(pa.array(["%", "41", "%4", "1%41"])).to_pylist() == ["%", "41", "%4", "1A"]


@pytest.mark.parametrize("broken", ["a+%ff", "%C3", "%ED%A0%80", "%C0%AF"])
def test_what_is_no_utf8_stays_as_written(broken: str) -> None:
    assert decode(pa.array(["x+y", broken, None, "%C3%A9"])).to_pylist() == ["x y", broken, None, "é"]
