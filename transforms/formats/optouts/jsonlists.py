"""Lists in JSON: an object a line whose members are columns, or what a registry answers.

::

    {"url": "https://example.org/a.jpg", "purposes": ["generative-training"], "request": "2026-17"}
    {"urls": [{"url": "https://example.org/a.jpg", "optOut": true}]}
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

from transforms.domain.errors import InputError
from transforms.domain.texts import did_you_mean, shown
from transforms.formats import jsonfiles
from transforms.formats.lists import Faults
from transforms.formats.optouts import registry
from transforms.formats.optouts.entries import Received
from transforms.formats.optouts.rows import COLUMNS, columns_are, read_rows

_ROWS_AT_ONCE = 1 << 16

Row = tuple[int, Mapping[str, str]]  # its line, and its cells


def looks_so(data: bytes) -> bool:
    """Whether the file begins as JSON does."""
    return data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[{", b'["', b"[\n"))


def read(data: bytes, received: Received, faults: Faults) -> Iterator[pa.Table]:
    """The entries of a list, some thousand rows at a time, as ``schemas.OPT_OUTS``.

    Raises:
        InputError: the file is one value, and no such object.
        ConfigError: a requester is named, and there is no key.
    """
    rows = _rows(data, received, faults)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        lines = np.array([line for line, _ in some], np.int64)
        names = [name for name in COLUMNS if any(name in row for _, row in some)]
        columns = {name: pa.array([row.get(name, "") for _, row in some], pa.string()) for name in names}
        yield read_rows(lines, columns, received, faults)
        faults.trim()


def _rows(data: bytes, received: Received, faults: Faults) -> Iterator[Row]:
    try:
        for value in jsonfiles.values(io.BytesIO(data)):
            line = value.line + 1
            if value.fault is not None:
                _fault(faults, line, f": {value.fault.detail}")
            elif not isinstance(value.value, dict):
                _fault(faults, line, f": is no JSON object: {shown(value.value)}")
            elif isinstance(answers := value.value.get("urls"), list):
                yield from registry.rows(line, answers, received, faults)
            else:
                yield from _row(line, value.value, faults)
    except InputError as error:
        raise InputError(f"{received.place}: {error}") from None


def _row(line: int, said: Mapping[str, object], faults: Faults) -> Iterator[Row]:
    """The members of an object as cells, unless one of them cannot be."""
    cells: dict[str, str] = {}
    good = True
    for name, value in said.items():
        cell = _cell(name, value)
        if name not in COLUMNS:
            near = did_you_mean(name, COLUMNS) or columns_are()
            _fault(faults, line, f": unknown member {shown(name)}.{near}")
        elif cell is None:
            _fault(faults, line, f", {name}: {shown(value)} is not text")
        else:
            cells[name] = cell
            continue
        good = False
    if ("kind" in cells) != ("value" in cells):
        _fault(faults, line, ": 'kind' and 'value' go together, and one of them is missing")
        good = False
    if good:
        yield line, cells


def _cell(name: str, value: object) -> str | None:
    """A member as CSV would have it; None if it cannot be."""
    if value is None:
        return ""
    if name == "purposes" and isinstance(value, Sequence) and all(isinstance(each, str) for each in value):
        return value if isinstance(value, str) else ";".join(value)
    if name == "item_id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else None


def _fault(faults: Faults, line: int, words: str) -> None:
    faults.add(np.array([line], np.int64), iter([words]))
