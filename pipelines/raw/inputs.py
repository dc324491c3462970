"""Raw files as inputs of actions: splits, pinned by digest and read in pieces of bounded size.

:mod:`pipelines.raw.planning` makes the splits. A worker reads the bytes of its split again, and refuses them
when they are others by then.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, cast

from pipelines.raw.decompression import decompress
from pipelines.raw.files import reading
from pipelines.raw.lineblocks import BLOCK_BYTES, LINE_BYTES, LongLine, blocks
from transforms.domain import schemas
from transforms.domain.errors import InputError
from transforms.formats import quarantine
from transforms.formats.lines import Parsed
from transforms.formats.quarantine import Refused
from transforms.formats.registry import FileFormat, LineFormat

COMPRESSED_CHUNK_BYTES = 1 << 18
_WHOLE_BYTES = 1 << 30

Format = LineFormat | FileFormat


@dataclass(frozen=True)
class Split:
    """A piece of a file: whole lines of plain text, row groups of Parquet, or all of any other file.

    Attributes:
        path: absolute, or a URL.
        offset_bytes: where the piece begins.
        length_bytes: its length, as it lies on disk.
        first_line: the number of its first line in the file, from 0.
        sha256: of exactly these bytes, as they lie on disk.
        compression: ``gz``, ``bz2`` or nothing.
        settings: what the format found in the file's beginning. Of row groups: ``row_groups``, from the first
            to before the second, and ``footer``, the footer's place and digest.
    """

    path: str
    offset_bytes: int
    length_bytes: int
    first_line: int
    sha256: str
    compression: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)

    def identity(self) -> dict[str, object]:
        """All of it that a result depends on: not where the bytes lie."""
        return {
            "sha256": self.sha256,
            "bytes": self.length_bytes,
            "compression": self.compression,
            "settings": dict(self.settings),
        }

    def to_json(self) -> dict[str, Any]:
        """The split in JSON's types; :meth:`from_json` turns it back."""
        return {**dataclasses.asdict(self), "settings": dict(self.settings)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Split:
        """The split that :meth:`to_json` wrote."""
        return cls(**value)


@dataclass(frozen=True)
class File:
    """A file as it was when it was planned."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Inputs:
    """The files in the order they were named, and their splits in that order."""

    files: tuple[File, ...]
    splits: tuple[Split, ...]


def read(split: Split, fmt: Format, settings: Mapping[str, object] | None = None) -> Iterator[Parsed]:
    """The rows of a split in order, in pieces; places count from the start of the split.

    Raises:
        InputError: the file is corrupt or cut, or its bytes are not those that were planned.
    """
    settings = {**(settings or {}), **split.settings}
    jumps = isinstance(fmt, FileFormat)  # as far as the footer, which may lie beyond the split
    with reading(split.path, stop_bytes=None if jumps else _end(split), here_and_there=jumps) as file:
        try:
            if isinstance(fmt, LineFormat):
                yield from _read_lines(file, split, fmt, settings)
            else:
                yield from _read_file(file, split, fmt, settings)
        except InputError as error:
            _check_pinned(file, split)  # where the bytes have changed, that is the fault to report
            message = str(error)
            if message.startswith(split.path):
                raise
            raise InputError(f"{split.path}: {message}") from None


def read_whole(split: Split) -> bytes:
    """All the bytes of a split, decompressed.

    Raises:
        InputError: the file is corrupt or cut, has over 1 GiB, or its bytes are not those that were planned.
    """
    whole = bytearray()
    with reading(split.path, stop_bytes=_end(split)) as file:
        for piece in decompress(_pinned(file, split), split.compression, split.path):
            whole += piece
            if len(whole) > _WHOLE_BYTES:
                raise InputError(f"{split.path}: over {_WHOLE_BYTES:,} bytes. Divide it into smaller files.")
    return bytes(whole)


def _pinned(file: IO[bytes], split: Split) -> Iterator[bytes]:
    """The bytes of the split as they lie on disk; an error at their end if they are others."""
    size = COMPRESSED_CHUNK_BYTES if split.compression else BLOCK_BYTES
    digest = hashlib.sha256()
    left = split.length_bytes
    file.seek(split.offset_bytes)
    while left and (chunk := file.read(min(size, left))):
        digest.update(chunk)
        left -= len(chunk)
        yield chunk
    if left or digest.hexdigest() != split.sha256:
        raise changed(split.path)


def _end(split: Split) -> int:
    return split.offset_bytes + split.length_bytes


def changed(path: str) -> InputError:
    """The error for a file whose bytes are not those that were planned."""
    return InputError(f"{path}: changed while being read. Let it be written to its end, then start again.")


def _read_lines(
    file: IO[bytes], split: Split, fmt: LineFormat, settings: Mapping[str, object]
) -> Iterator[Parsed]:
    for block in blocks(decompress(_pinned(file, split), split.compression, split.path)):
        if isinstance(block, LongLine):
            yield _too_long(block, fmt)
        else:
            data, offset_bytes, line = block
            yield fmt.parse(data, offset_bytes=offset_bytes, line=line, settings=settings)


def _too_long(line: LongLine, fmt: LineFormat) -> Parsed:
    schema = schemas.MANIFEST if fmt.kind == "manifest" else schemas.LICENSES
    detail = f"a line of {line.length_bytes:,} bytes, over {LINE_BYTES:,}"
    refused = Refused(line.offset_bytes, line.line, "line_too_long", detail, line.head, line.length_bytes)
    return Parsed(schema.empty_table(), quarantine.table([refused]))


def _read_file(
    file: IO[bytes], split: Split, fmt: FileFormat, settings: Mapping[str, object]
) -> Iterator[Parsed]:
    yield from fmt.batches(file, settings)
    _check_pinned(file, split)


def _check_pinned(file: IO[bytes], split: Split) -> None:
    for _ in _pinned(file, split):
        pass
    if "footer" in split.settings:
        offset, sha256 = cast(tuple[int, str], split.settings["footer"])
        file.seek(0, os.SEEK_END)
        footer = dataclasses.replace(
            split, offset_bytes=offset, length_bytes=max(0, file.tell() - offset), sha256=sha256
        )
        for _ in _pinned(file, footer):
            pass
