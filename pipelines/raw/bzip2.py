"""bzip2 on all cores, strictly: the blocks of a stream are found by their marks and unpacked side by side.

A bzip2 stream is a header, blocks of at most 900 kB of text, and a footer. Blocks know nothing of each
other, and each begins, at any bit, with a mark of 48 bits: so that even a file of one stream, as YFCC100M's
is, keeps all cores busy. Each block is handed to the standard library as a stream of its own, which checks
its checksum.

Marks can occur by chance within a block, once in some 2 ** 48 bits. Then what lies before the false mark
does not unpack, and is tried again with what lies behind it.
"""

from __future__ import annotations

import bz2
import functools
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

_BLOCK = 0x314159265359  # pi; a block's checksum stands behind it
_FOOTER = 0x177245385090  # its root; the checksum of the whole stream stands behind it
_MARK_BITS, _CHECKSUM_BITS = 48, 32
_HEADER = re.compile(rb"BZh[1-9]")
_HEADER_BYTES = 4
_ANY_HEADER = b"BZh9"  # reads blocks of every size
_MOST_PIECE_BYTES = 4 << 20  # at 20 bits a letter, which is the most, a block has 2.25 MB
_AHEAD = 2  # pieces per core that are unpacked before they are asked for


class CorruptError(Exception):
    """The data is damaged, or not bzip2's; ``byte`` is about where."""

    def __init__(self, byte: int, cause: str = "Invalid data stream") -> None:
        super().__init__(cause)
        self.byte = byte


class CutError(Exception):
    """The data ends within a stream."""


@dataclass(frozen=True)
class _Piece:
    """The bits from one mark to the next, or to the end of the data: a block, or a footer and a header."""

    start: int
    bits: int
    value: int

    def at(self, place: int, bits: int) -> int:
        return (self.value >> (self.bits - place - bits)) & ((1 << bits) - 1)

    @property
    def is_block(self) -> bool:
        return self.bits >= _MARK_BITS + _CHECKSUM_BITS and self.at(0, _MARK_BITS) == _BLOCK

    @property
    def checksum(self) -> int:
        return self.at(_MARK_BITS, _CHECKSUM_BITS)

    @property
    def byte(self) -> int:
        return self.start // 8

    def __add__(self, behind: _Piece) -> _Piece:
        return _Piece(self.start, self.bits + behind.bits, self.value << behind.bits | behind.value)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """One for all files: more unpackings at once than cores only fight for the cache."""
    return ThreadPoolExecutor(os.cpu_count() or 1)


def unpack(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What ``chunks`` hold, a block at a time; a few blocks per core are in memory.

    Raises:
        CorruptError: the data is damaged, or something else stands before, between or behind its streams.
        CutError: it ends within a stream.
    """
    cores = os.cpu_count() or 1
    pieces = _pieces(chunks)
    pool = _pool()
    ahead: deque[tuple[_Piece, Future[bytes | None]]] = deque()
    try:
        combined = 0
        room = _AHEAD  # who asks for the beginning only does not pay for more
        while True:
            while len(ahead) < room and (piece := next(pieces, None)) is not None:
                ahead.append((piece, pool.submit(_unpack, piece)))
            if not ahead:
                return
            piece, unpacked = ahead.popleft()
            if not piece.is_block:
                _check_footer(piece, combined, is_last=not ahead)
                combined = 0
            elif (text := unpacked.result()) is not None:
                combined = ((combined << 1 | combined >> 31) & 0xFFFFFFFF) ^ piece.checksum
                yield text
                room = _AHEAD * cores
            elif ahead and piece.bits < 8 * _MOST_PIECE_BYTES:
                longer = piece + ahead.popleft()[0]
                ahead.appendleft((longer, pool.submit(_unpack, longer)))
            else:
                raise _fault(piece)
    finally:
        for _, waiting in ahead:
            waiting.cancel()


def _unpack(piece: _Piece) -> bytes | None:
    """The text of a block; None if it is none, or not whole."""
    if not piece.is_block:
        return None
    footer = _FOOTER << _CHECKSUM_BITS | piece.checksum
    value = piece.value << (_MARK_BITS + _CHECKSUM_BITS) | footer
    decompressor = bz2.BZ2Decompressor()
    try:
        text = decompressor.decompress(_stream(value, piece.bits + _MARK_BITS + _CHECKSUM_BITS))
    except OSError:
        return None
    return text if decompressor.eof and not decompressor.unused_data else None


def _stream(value: int, bits: int) -> bytes:
    pad = -bits % 8
    return _ANY_HEADER + (value << pad).to_bytes((bits + pad) // 8, "big")


def _fault(piece: _Piece) -> CorruptError | CutError:
    """What is wrong with a last block that does not unpack."""
    try:
        bz2.BZ2Decompressor().decompress(_stream(piece.value, piece.bits))
    except OSError:
        return CorruptError(piece.byte)
    return CutError()


def _check_footer(piece: _Piece, combined: int, *, is_last: bool) -> None:
    used = _MARK_BITS + _CHECKSUM_BITS
    if piece.bits < used:
        raise CutError
    if piece.checksum != combined:
        raise CorruptError(piece.byte)
    used += -(piece.start + used) % 8
    _check_header(piece.at(used, piece.bits - used).to_bytes((piece.bits - used) // 8, "big"), piece, is_last)


def _check_header(header: bytes, piece: _Piece, is_last: bool) -> None:
    """Nothing, if ``header`` begins another stream, or nothing at all does."""
    if _HEADER.fullmatch(header) if not is_last else not header:
        return
    cut = is_last and len(header) <= _HEADER_BYTES + _MARK_BITS // 8 and header[:3] == b"BZh"[: len(header)]
    raise CutError if cut else CorruptError(piece.byte)


# --- Marks -------------------------------------------------------------------------------------------------


def _needles() -> Iterator[tuple[bytes, int, int]]:
    """Of each mark, at each of a byte's eight bits: the five whole bytes in it; the bit; the mark."""
    for mark in (_BLOCK, _FOOTER):
        for bit in range(8):
            yield (mark >> bit & (1 << 40) - 1).to_bytes(5, "big"), bit, mark


_NEEDLES = tuple(_needles())


def _marks(data: bytes | bytearray, start: int) -> list[int]:
    """The bits of ``data`` at which marks begin that end within it, from byte ``start`` on, in order."""
    found = []
    for needle, bit, mark in _NEEDLES:
        at = data.find(needle, start + 1)
        while at > 0:
            window = int.from_bytes(data[at - 1 : at + 6].ljust(7, b"\0"), "big")
            complete = 8 * (at - 1) + bit + _MARK_BITS <= 8 * len(data)
            if complete and window >> (8 - bit) & (1 << _MARK_BITS) - 1 == mark:
                found.append(8 * (at - 1) + bit)
            at = data.find(needle, at + 1)
    return sorted(found)


def _pieces(chunks: Iterable[bytes]) -> Iterator[_Piece]:
    """The data from mark to mark, behind the header of the first stream."""
    data = bytearray()  # from the byte on in which the piece begins that is being read
    base = 0  # its place in the file
    begin: int | None = None  # that piece's first bit in `data`
    for chunk in chunks:
        searched = max(0, len(data) - 7)
        data += chunk
        for mark in _marks(data, searched):
            if begin is None:
                if mark != 32 or not _HEADER.match(data):
                    raise CorruptError(0)
            elif mark <= begin:
                continue
            else:
                yield _piece(data, base, begin, mark)
            begin = mark
        if begin is not None:
            del data[: begin // 8]
            base, begin = base + begin // 8, begin % 8
        if len(data) > _MOST_PIECE_BYTES + len(chunk):
            raise CorruptError(base)
    if begin is None:
        raise CutError
    yield _piece(data, base, begin, 8 * len(data))


def _piece(data: bytearray, base: int, begin: int, end: int) -> _Piece:
    first, last = begin // 8, -(-end // 8)
    value = int.from_bytes(data[first:last], "big") >> (8 * last - end)
    return _Piece(8 * base + begin, end - begin, value & (1 << (end - begin)) - 1)
