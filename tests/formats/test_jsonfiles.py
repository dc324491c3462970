"""JSON of strangers: a value or lines of values, and never more in memory than one of them."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.errors import InputError
from transforms.formats import jsonfiles

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(VALUES, min_size=1, max_size=5), st.sampled_from(["\n", "\r\n", "\n\n", " \n"]), st.booleans()
)
def test_lines_are_values(some: list[object], ending: str, marked: bool) -> None:
    text = ("\ufeff" if marked else "") + ending.join(map(json.dumps, some))
    found = list(jsonfiles.values(io.BytesIO(text.encode())))
    assert [(each.value, each.fault) for each in found] == [(value, None) for value in some]
    step = 2 if ending == "\n\n" else 1
    assert [each.line for each in found] == [step * place for place in range(len(some))]


@given(VALUES, st.integers(1, 3))
def test_one_value_may_go_over_many_lines(value: object, indent: int) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    (found,) = jsonfiles.values(io.BytesIO(text.encode("utf-8", "surrogatepass")))
    assert found.value == value


@given(st.binary(max_size=40))
def test_bytes_are_a_value_an_error_or_a_fault(data: bytes) -> None:
    try:
        for each in jsonfiles.values(io.BytesIO(b"{}\n" + data)):
            assert each.fault is None or each.value is None
        list(jsonfiles.values(io.BytesIO(data)))
    except InputError as error:
        assert str(error).startswith(("cannot be read as JSON: ", "an empty file. "))


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfiles, "VALUE_BYTES", 100)
    exactly = json.dumps(["x" * 96]).encode()
    assert len(exactly) == 100
    assert len(list(jsonfiles.values(io.BytesIO(exactly)))) == 1
    for data in (json.dumps(["x" * 97]).encode(), b"[\n" + exactly[1:], b"{" * 5000):
        with pytest.raises(
            InputError, match=r"^one JSON value of over 100 bytes. Divide it into files, or write"
        ):
            list(jsonfiles.values(io.BytesIO(data)))

    lines = [b"1", json.dumps("x" * 97).encode(), json.dumps("x" * 98).encode(), b"x" * 5000, b"2"]
    found = list(jsonfiles.values(io.BytesIO(b"\n".join(lines))))
    assert [(each.line, each.value) for each in found if not each.fault] == [(0, 1), (1, "x" * 97), (4, 2)]
    assert [(each.line, each.fault) for each in found if each.fault] == [
        (2, ("line_too_long", "a line of 101 bytes, over 100")),
        (3, ("line_too_long", "a line of 5,001 bytes, over 100")),
    ]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_called_one(data: bytes) -> None:
    with pytest.raises(InputError, match="an empty file"):
        list(jsonfiles.values(io.BytesIO(data)))
