"""The lines and cells of a list that people keep: UTF-8 text, read some megabytes at a time.

Vectorized, since a list may have ten million lines; and each fault knows its line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import InputError

Lines = npt.NDArray[np.int64]

_BLOCK_BYTES = 8 << 20
_MOST_BYTES = (1 << 31) - 1  # Arrow counts the bytes of a text column in 31 bits
_FAULTS_NAMED = 20


@dataclass
class Faults:
    """Lines that are not understood: the first ``most`` of them in words, all of them counted."""

    place: str
    count: int = 0
    named: list[tuple[int, str]] = field(default_factory=list)
    most: int = _FAULTS_NAMED

    def add(self, lines: Lines, words: Iterator[str]) -> None:
        """Counts ``lines``, which ascend; as many ``words`` are asked for as may be needed."""
        self.count += len(lines)
        self.named.extend(zip(lines[: self.most].tolist(), words, strict=False))

    def trim(self) -> None:
        """Forgets the words that would not be said, once no earlier line can come."""
        self.named = sorted(self.named)[: self.most]

    def said(self) -> list[str]:
        """A line for each of the first faults, then their count."""
        self.trim()
        said = [f"{self.place}, line {line}{words}" for line, words in self.named]
        if self.count > len(said):
            said.append(f"{self.place}: and {self.count - len(said):,} more")
        return said

    def check(self) -> None:
        if self.count:
            raise InputError("\n".join(self.said()))


def check_text(data: bytes, place: str) -> None:
    if len(data) > _MOST_BYTES:
        raise InputError(f"{place}: has {len(data):,} bytes; split it into lists of less than 2 GiB")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{place}: is UTF-16; save it as UTF-8")
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise InputError(f"{place}, line {line}: holds a NUL byte, so this is not text; save it as UTF-8")
    try:
        offsets = pa.py_buffer(np.array([0, len(data)], np.int32))
        pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(data)]).validate(full=True)
    except pa.ArrowInvalid:
        line = _line_of_invalid_utf8(data)
        raise InputError(f"{place}, line {line}: is not UTF-8; save the list as UTF-8") from None


def _line_of_invalid_utf8(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    raise AssertionError("Arrow and Python disagree on what UTF-8 is")


def blocks(data: bytes) -> Iterator[tuple[Lines, pa.Array]]:
    """The lines that are not blank, trimmed, with their numbers from 1, some megabytes at a time."""
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    line = 1
    while start < len(data):
        end = data.rfind(b"\n", start, start + _BLOCK_BYTES) + 1 or data.find(b"\n", start) + 1 or len(data)
        breaks = np.flatnonzero(np.frombuffer(data, np.uint8, end - start, start) == ord("\n")) + 1
        if not len(breaks) or breaks[-1] != end - start:
            breaks = np.append(breaks, end - start)
        buffers = [
            None,
            pa.py_buffer(np.insert(breaks, 0, 0).astype(np.int32)),
            pa.py_buffer(data)[start:end],
        ]
        # A line ends with its line break, which is white space around it as any other.
        texts = pc.utf8_trim_whitespace(pa.Array.from_buffers(pa.string(), len(breaks), buffers))
        filled = pc.not_equal(texts, "")
        yield np.flatnonzero(filled.to_numpy(zero_copy_only=False)) + line, texts.filter(filled)
        start, line = end, line + len(breaks)


def split(lines: Lines, texts: pa.Array, width: int, faults: Faults) -> tuple[Lines, list[pa.Array]]:
    """The cells of each column, trimmed, and the lines they are on; lines of another width are faults."""
    quoted = pc.match_substring(texts, '"')
    rows = pc.split_pattern(texts, ",")
    if pc.any(quoted).as_py():
        # Quotes are rare in lists of ids and a grammar of their own: the standard library's reader knows it.
        # Line by line, so that a quote left open cannot swallow the lines after it.
        parsed = pa.array([fields(text) for text in texts.filter(quoted).to_pylist()], rows.type)
        places = np.arange(len(rows))
        places[quoted.to_numpy(zero_copy_only=False)] = len(rows) + np.arange(len(parsed))
        rows = pa.concat_arrays([rows, parsed]).take(pa.array(places))
    widths = pc.list_value_length(rows).to_numpy()
    wrong = widths != width
    faults.add(
        lines[wrong],
        (
            f": has {found} fields, and the header {width}" if found else ": its quotes do not pair"
            for found in widths[wrong].tolist()
        ),
    )
    flat = pc.utf8_trim_whitespace(rows.filter(pa.array(~wrong)).flatten())
    columns = [flat.take(pa.array(np.arange(column, len(flat), width))) for column in range(width)]
    return lines[~wrong], columns


def fields(text: str) -> list[str]:
    """The cells of one line; none where its quotes do not pair, or it is too long for a line of cells."""
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        return []
