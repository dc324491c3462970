from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.formats.jsoncells import read_objects

SCHEMAS = [pa.schema([("at", kind), ("text", pa.string())]) for kind in (pa.string(), pa.int64())]
CELLS = [
    None,
    "",
    " ",
    "{}",
    '{"at": "1"}',
    '{"at": 1}',
    '{"at": 1.5}',
    ' {"text": "\\u00e9", "other": [{"x": null}]} ',
    '{"at": null, "text": null}',
    '{"at": "1"} {"at": "2"}',
    '{"at": "1"}}',
    '{"at":',
    '"1"}',
    "}{",
    "{",
    "null",
    "[]",
    '{"text": {"a": 1}}',
    '{"text": "\\ud800"}',
    '{"text": "x}',
    '\ufeff{"text": "x"}',
]


def read_one(cell: str | None) -> dict[str, Any] | None:
    try:
        read = json.loads(cell or "")
        assert isinstance(read, dict)
        at, text = read.get("at"), read.get("text")
        assert at is None or (isinstance(at, str | int))
        assert text is None or isinstance(text, str)
        (text or "").encode()
    except (ValueError, AssertionError):
        return None
    return {"at": None if at is None else str(at), "text": text}


@given(st.lists(st.sampled_from(CELLS), max_size=12))
def test_a_cell_is_read_as_if_it_were_alone(cells: list[str | None]) -> None:
    read = read_objects(pa.array(cells, pa.string()), SCHEMAS)
    assert read.to_pylist() == [read_one(cell) for cell in cells]


def test_two_objects_in_one_cell_never_move_the_rows_behind_it() -> None:
    # Three cells and three objects: only their number would look right.
    cells = ['{"text": "a"', "}", '{"text": "b"} {"text": "c"}', '{"text": "d"}']
    read = read_objects(pa.array(cells), SCHEMAS)
    assert read.to_pylist() == [None, None, None, {"at": None, "text": "d"}]


@pytest.mark.parametrize("cell", ['{"a":' * 50_000 + "1" + "}" * 50_000])
def test_deep_nesting_is_no_crash(cell: str) -> None:
    assert len(read_objects(pa.array([cell, "{}"]), SCHEMAS)) == 2
