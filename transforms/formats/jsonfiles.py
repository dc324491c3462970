"""Files of JSON from strangers: one value, or one a line, each held to a size and to what JSON can mean.

A file whose first line is a value has a value on each line. One of them that cannot be read spoils its own
line and no other; a file that is one value is read whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from transforms.domain.errors import InputError
from transforms.formats.quarantine import Why

VALUE_BYTES = 16 << 20  # in memory a value takes up some seventy times its size, at the worst

_BOM = b"\xef\xbb\xbf"
_CALLBACK = "jsonFlickrApi("


class Value(NamedTuple):
    """One value of a file.

    Attributes:
        line: the line on which it begins, from 0.
        written: as it stands in the file, or its beginning.
        value: in Python's types; None if there is a fault.
        fault: why it cannot be read, if it cannot.
    """

    line: int
    written: bytes
    value: object
    fault: Why | None = None


def loads(text: bytes) -> object:
    """The one value that ``text`` is, with or without the call around it that Flickr puts there.

    Raises:
        ValueError: it is no JSON in UTF-8, an object in it says one thing twice, or it is nested too deep.
    """
    written = text.removeprefix(_BOM).decode().strip()
    if written.startswith(_CALLBACK):
        written = written.removeprefix(_CALLBACK).removesuffix(";").removesuffix(")")
    try:
        return json.loads(written, object_pairs_hook=_distinct, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def values(file: IO[bytes]) -> Iterator[Value]:
    """The values of a file, in order; blank lines are none.

    Raises:
        InputError: the file is one value, and that cannot be read, or has over 16 MiB.
    """
    number, first = 0, file.readline(VALUE_BYTES + 1)
    while first and not first.removeprefix(_BOM).strip():
        number, first = number + 1, file.readline(VALUE_BYTES + 1)
    whole = _value(number, first) if len(first) <= VALUE_BYTES else None
    if whole is None:
        yield _document(number, first + file.read(max(0, VALUE_BYTES + 1 - len(first))))
        return
    yield whole
    while line := file.readline(VALUE_BYTES + 1):
        number += 1
        if line.strip():
            yield _line(file, number, line)


def _value(number: int, line: bytes) -> Value | None:
    """The value that a file's first line is, if it is one."""
    try:
        return Value(number, line, loads(line))
    except ValueError:
        return None


def _document(number: int, text: bytes) -> Value:
    if len(text) > VALUE_BYTES:
        raise InputError(
            f"one JSON value of over {VALUE_BYTES:,} bytes. Divide it into files, or write one a line."
        )
    if not text.strip():
        raise InputError("an empty file. Leave it out, or fetch it again.")
    try:
        return Value(number, text, loads(text))
    except ValueError as error:
        raise InputError(f"cannot be read as JSON: {_told(error)}. Fetch or write it again.") from None


def _line(file: IO[bytes], number: int, line: bytes) -> Value:
    if len(line) > VALUE_BYTES:
        size, piece = len(line), line
        while piece and not piece.endswith(b"\n"):
            piece = file.readline(VALUE_BYTES)
            size += len(piece)
        return Value(
            number, line, None, Why("line_too_long", f"a line of {size:,} bytes, over {VALUE_BYTES:,}")
        )
    try:
        return Value(number, line, loads(line))
    except UnicodeDecodeError:
        return Value(number, line, None, Why("invalid_utf8", "not UTF-8"))
    except ValueError as error:
        return Value(number, line, None, Why("answer_unparsable", f"no JSON: {_told(error)}"))


def _told(error: ValueError) -> str:
    """What is wrong, on one line."""
    return " ".join(str(error).split())[:200]


def _distinct(members: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("an object has a member twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")
