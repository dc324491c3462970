"""gzip and bzip2 as streams of several members, strictly: what is cut or followed by anything is an error.

The standard library's files are not strict: ``bz2.open`` takes garbage after a stream for its end, and would
lose every row behind it. What comes out is bounded at each step, so that a small file that unpacks to
gigabytes only takes long: gzip's by the size of a step, bzip2's by that of a block (900 kB, or some 45 MB of
one letter repeated).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from pipelines.raw import bzip2
from pipelines.raw.bzip2 import CorruptError, CutError
from transforms.domain.errors import InputError

STEP_BYTES = 1 << 20

_GZIP_MAGIC = b"\x1f\x8b"
_BZIP2_MAGIC = tuple(
    b"BZh%d%b" % (level, block)
    for level in range(1, 10)
    for block in (b"1AY&SY", b"\x17rE8P\x90")  # a block, or the end of a stream without any
)


def detect(head: bytes) -> str:
    """``gz``, ``bz2``, or nothing, by a file's first ten bytes; names lie."""
    if head.startswith(_GZIP_MAGIC):
        return "gz"
    return "bz2" if head.startswith(_BZIP2_MAGIC) else ""


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self.needs_input = True

    def step(self, data: bytes) -> tuple[bytes, bytes]:
        out = self._inner.decompress(data, STEP_BYTES)
        left = self._inner.unconsumed_tail
        self.needs_input = not left
        return out, left

    @property
    def after(self) -> bytes | None:
        return self._inner.unused_data if self._inner.eof else None


def decompress(chunks: Iterable[bytes], compression: str, place: str) -> Iterator[bytes]:
    """What ``chunks`` hold, in pieces of at most 1 MiB; with no compression, the chunks themselves.

    Raises:
        InputError: the data is corrupt, cut, or followed by something else; with file and byte.
    """
    read = 0

    def counted() -> Iterator[bytes]:
        nonlocal read
        for chunk in chunks:
            read += len(chunk)
            yield chunk

    try:
        if not compression:
            yield from chunks
        elif compression == "gz":
            yield from _gunzip(counted())
        else:
            for text in bzip2.unpack(counted()):
                yield from (text[at : at + STEP_BYTES] for at in range(0, len(text), STEP_BYTES))
    except CorruptError as error:
        raise InputError(
            f"{place}: corrupt {compression} data, or something else, near byte {error.byte:,} ({error}). "
            "Fetch the file again."
        ) from None
    except CutError:
        raise InputError(
            f"{place}: cut {compression} data: it ends at byte {read:,}, within a stream. Fetch it again."
        ) from None


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member: _Gzip | None = None
    members = read = 0
    for chunk in chunks:
        read += len(chunk)
        left = chunk
        while left or (member and not member.needs_input):
            if member is None:
                if members:
                    left = left.lstrip(b"\0")  # archives are padded to whole blocks
                    if not left:
                        break
                member = _Gzip()
                members += 1
            at = read - len(left)
            try:
                out, left = member.step(left)
            except zlib.error as error:
                raise CorruptError(at, str(error)) from None
            if out:
                yield out
            if member.after is not None:
                left, member = member.after, None
    if member is not None:
        raise CutError
