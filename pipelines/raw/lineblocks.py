"""A stream of bytes as blocks of whole lines, each with its place; memory is bounded whatever the stream.

One blank line at the very end is left out. A line over 16 MiB is never held: its beginning and length are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

BLOCK_BYTES = 2 << 20  # what is made of a block stays in the processor's cache
LINE_BYTES = 16 << 20  # above the size of any block, so that only a block's first line can be longer
_HEAD_BYTES = 1 << 20


class Block(NamedTuple):
    """Whole lines; the last one of the stream may lack its line feed."""

    data: bytes
    offset_bytes: int
    line: int


class LongLine(NamedTuple):
    """A line over 16 MiB: its first MiB, and its length without the line feed."""

    head: bytes
    offset_bytes: int
    line: int
    length_bytes: int


def blocks(chunks: Iterable[bytes]) -> Iterator[Block | LongLine]:
    """The lines of ``chunks``, none of which is over 2 MiB, in order and in blocks of about that size."""
    held: Block | LongLine | None = None
    for each in _cut(_gather(chunks)):
        if held:
            yield held
        held = each
    if isinstance(held, Block):
        data = _without_blank_end(held.data)
        held = held._replace(data=data) if data else None
    if held:
        yield held


def _gather(chunks: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= BLOCK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _cut(chunks: Iterable[bytes]) -> Iterator[Block | LongLine]:
    offset = line = 0
    rest = b""
    long: LongLine | None = None
    for chunk in chunks:
        if long:
            end = chunk.find(b"\n")
            long = long._replace(length_bytes=long.length_bytes + (len(chunk) if end < 0 else end))
            if end < 0:
                continue
            yield long
            offset, line = offset + long.length_bytes + 1, line + 1
            long, chunk = None, chunk[end + 1 :]
        data = rest + chunk
        first = data.find(b"\n")
        if first > LINE_BYTES:
            yield LongLine(data[:_HEAD_BYTES], offset, line, first)
            offset, line = offset + first + 1, line + 1
            data = data[first + 1 :]
        end = data.rfind(b"\n") + 1
        if end:
            block = Block(data[:end], offset, line)
            yield block
            offset, line = offset + end, line + block.data.count(b"\n")
        rest = data[end:]
        if len(rest) > LINE_BYTES:
            long, rest = LongLine(rest[:_HEAD_BYTES], offset, line, len(rest)), b""
    if long:
        yield long
    elif rest:
        yield Block(rest, offset, line)


def _without_blank_end(data: bytes) -> bytes:
    for blank in (b"\r\n", b"\n", b"\r"):
        if data == blank or data.endswith(b"\n" + blank):
            return data[: -len(blank)]
    return data
