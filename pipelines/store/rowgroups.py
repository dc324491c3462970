"""Row groups of several Parquet files as one file, to the byte what our writer would have written.

The bytes of a row group do not depend on its neighbors: no offset stands in its pages. So a group is copied
as it is, and only the footer is new, in which the places of the group's columns are moved.

The footer is a Thrift structure in the compact protocol. Of it only the numbers that change are read; the
rest is copied. What our one writer does not write is refused: an index of pages, a bloom filter or encryption
would refer to bytes outside the groups. Sources: `parquet.thrift` of apache/parquet-format, and Thrift's
`thrift-compact-protocol.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

_MAGIC = b"PAR1"
_TAIL_BYTES = 8  # the footer's length, and the magic

# Types of the compact protocol. A bool has its value in its type, and no bytes; in a list it has one.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_VARINTS = (_I16, _I32, _I64)
_FIXED_BYTES = {_TRUE: 0, _FALSE: 0, _BYTE: 1, _DOUBLE: 8}

# What may stand in a structure, by the number of its field. None: it is copied; a name: the number is read,
# and may be replaced; a mapping: a structure, or a list of them.
_OFFSET, _START, _ROWS, _ORDINAL = "offset", "start", "rows", "ordinal"
_COLUMN_META_DATA: Mapping[int, Any] = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 12, 13, 16)),  # type, encodings, path, sizes, statistics
    **dict.fromkeys((9, 10, 11), _OFFSET),  # of the data pages, an index, the dictionary
}
_COLUMN_CHUNK: Mapping[int, Any] = {2: _OFFSET, 3: _COLUMN_META_DATA}
_ROW_GROUP: Mapping[int, Any] = {1: _COLUMN_CHUNK, 2: None, 3: _ROWS, 5: _START, 6: None, 7: _ORDINAL}
_FILE_META_DATA: Mapping[int, Any] = {1: None, 2: None, 3: _ROWS, 4: _ROW_GROUP, 6: None, 7: None}

_Number = tuple[int, int, str, int]
"""A number in the footer: where it begins and ends, what it is, and its value."""


class UnlikeOursError(ValueError):
    """A Parquet file that our writer did not write, or files that are not of one schema and writer."""


@dataclass(frozen=True)
class _Group:
    """A row group: the span of its bytes, and of its entry in the footer, with the numbers there."""

    start: int
    end: int
    rows: int
    entry: tuple[int, int]
    numbers: tuple[_Number, ...]


@dataclass(frozen=True)
class _File:
    """A Parquet file, and of its footer what comes before the number of rows and behind the row groups."""

    data: memoryview
    footer: bytes
    head: bytes
    groups: tuple[_Group, ...]
    tail: bytes


class Piece(NamedTuple):
    """A row group to be copied: its file as it was written, its place there, and the rows it must have."""

    data: bytes
    group: int
    rows: int


def splice(pieces: Sequence[Piece]) -> bytes:
    """One Parquet file of row groups of several, in the order given: what our writer gives for these groups.

    Args:
        pieces: at least one. A file that occurs again, as the same object, is read once.

    Raises:
        UnlikeOursError: a file holds what our writer does not write, two are not of one schema and writer, or
            a group is not there or has other rows.
    """
    files = {name: _read(data) for name, data in {id(piece.data): piece.data for piece in pieces}.items()}
    chosen = [(file := files[id(data)], _group(file, place, rows)) for data, place, rows in pieces]
    first = chosen[0][0]
    if any((file.head, file.tail) != (first.head, first.tail) for file in files.values()):
        raise UnlikeOursError("files of more than one schema or writer")
    at = len(_MAGIC)
    entries = []
    for ordinal, (file, group) in enumerate(chosen):
        entries.append(_moved(file.footer, group, at - group.start, ordinal))
        at += group.end - group.start
    rows = bytes([1 << 4 | _I64]) + _zigzag(sum(group.rows for _, group in chosen))
    groups = bytes([1 << 4 | _LIST]) + _list_of_structures(len(entries))
    footer = b"".join([first.head, rows, groups, *entries, first.tail])
    body = [file.data[group.start : group.end] for file, group in chosen]
    return b"".join([_MAGIC, *body, footer, len(footer).to_bytes(4, "little"), _MAGIC])


def _group(file: _File, place: int, rows: int) -> _Group:
    found = [group.rows for group in file.groups]
    if not 0 <= place < len(found) or found[place] != rows:
        raise UnlikeOursError(f"row group {place} is to have {rows} rows; there are {found}")
    return file.groups[place]


def _moved(footer: bytes, group: _Group, shift: int, ordinal: int) -> bytes:
    """The group's entry in the footer, the group being moved by ``shift`` bytes."""
    parts, done = [], group.entry[0]
    for start, end, what, value in group.numbers:
        if what is _ORDINAL:
            value = ordinal
        elif what is not _ROWS and value:  # Arrow writes the deprecated ColumnChunk.file_offset as 0
            value += shift
        parts += [footer[done:start], _zigzag(value)]
        done = end
    return b"".join([*parts, footer[done : group.entry[1]]])


def _read(data: bytes) -> _File:
    view = memoryview(data)
    end = len(view) - _TAIL_BYTES
    if end < len(_MAGIC) or view[: len(_MAGIC)] != _MAGIC or view[end + 4 :] != _MAGIC:
        raise UnlikeOursError("not a Parquet file")
    body_end = end - int.from_bytes(view[end : end + 4], "little")
    footer = bytes(view[max(body_end, 0) : end])
    try:
        return _parsed(view, footer, body_end)
    except IndexError:
        raise UnlikeOursError("a footer that ends too early") from None


def _parsed(view: memoryview, footer: bytes, body_end: int) -> _File:
    at, field, head, tail = 0, 0, 0, 0
    entries: list[tuple[int, int, list[_Number]]] = []
    while footer[at]:
        before = at
        field, kind, at = _field(footer, at, field)
        rule = _FILE_META_DATA.get(field, "")
        if rule is _ROWS:
            head = before
            at = _skip(footer, at, kind)
        elif rule is _ROW_GROUP:
            count, _, at = _list(footer, at)
            for _ in range(count):
                numbers: list[_Number] = []
                start, at = at, _walk(footer, at, _ROW_GROUP, numbers)
                entries.append((start, at, numbers))
            tail = at
        elif rule is None:
            at = _skip(footer, at, kind)
        else:
            raise UnlikeOursError(f"field {field} of FileMetaData")
    if not 0 < head < tail:
        raise UnlikeOursError("a footer without rows or row groups")
    starts, rows = (
        [value for *_, numbers in entries for *_, each, value in numbers if each is what]
        for what in (_START, _ROWS)
    )
    ends = [*starts[1:], body_end]
    if not len(starts) == len(rows) == len(entries) or [len(_MAGIC), *ends] != sorted([*starts, body_end]):
        raise UnlikeOursError("row groups that do not lie end to end")
    groups = tuple(
        _Group(start, end, count, (begin, stop), tuple(numbers))
        for start, end, count, (begin, stop, numbers) in zip(starts, ends, rows, entries, strict=True)
    )
    return _File(view, footer, footer[:head], groups, footer[tail:])


def _walk(footer: bytes, at: int, shape: Mapping[int, Any], numbers: list[_Number]) -> int:
    """Collect the numbers that ``shape`` names in the structure at ``at``; where it ends."""
    field = 0
    while footer[at]:
        field, kind, at = _field(footer, at, field)
        rule = shape.get(field, "")
        if rule is None:
            at = _skip(footer, at, kind)
        elif isinstance(rule, Mapping):
            count, _, at = _list(footer, at) if kind == _LIST else (1, kind, at)
            for _ in range(count):
                at = _walk(footer, at, rule, numbers)
        elif rule and kind in _VARINTS:
            value, end = _varint(footer, at)
            numbers.append((at, end, rule, (value >> 1) ^ -(value & 1)))
            at = end
        else:
            raise UnlikeOursError(f"field {field} of a row group")
    return at + 1


def _skip(footer: bytes, at: int, kind: int) -> int:
    """Where the value of type ``kind`` at ``at`` ends."""
    if kind in _VARINTS:
        while footer[at] > 0x7F:
            at += 1
        return at + 1
    if kind == _BINARY:
        length, at = _varint(footer, at)
        return at + length
    if kind == _STRUCT:
        field = 0
        while footer[at]:
            field, each, at = _field(footer, at, field)
            at = _skip(footer, at, each)
        return at + 1
    if kind in (_LIST, _SET):
        count, each, at = _list(footer, at)
        if each in (_TRUE, _FALSE):
            return at + count
        for _ in range(count):
            at = _skip(footer, at, each)
        return at
    if kind not in _FIXED_BYTES:
        raise UnlikeOursError(f"a value of type {kind}")
    return at + _FIXED_BYTES[kind]


def _field(footer: bytes, at: int, field: int) -> tuple[int, int, int]:
    """Number and type of the field at ``at``, which comes behind ``field``, and where its value is."""
    header = footer[at]
    if header < 1 << 4:
        raise UnlikeOursError("a field that does not follow its neighbor")
    return field + (header >> 4), header & 0xF, at + 1


def _list(footer: bytes, at: int) -> tuple[int, int, int]:
    """Length and type of the list whose header is at ``at``, and where its first element is."""
    header = footer[at]
    count, begin = (header >> 4, at + 1) if header < 0xF0 else _varint(footer, at + 1)
    return count, header & 0xF, begin


def _varint(footer: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while (byte := footer[at]) > 0x7F:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
    return value | byte << shift, at + 1


def _zigzag(value: int) -> bytes:
    """A signed number as the compact protocol writes it."""
    return _unsigned(value << 1 if value >= 0 else ~value << 1 | 1)


def _unsigned(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _list_of_structures(count: int) -> bytes:
    """The header of a list of ``count`` structures."""
    return bytes([count << 4 | _STRUCT]) if count < 0xF else bytes([0xF0 | _STRUCT]) + _unsigned(count)
