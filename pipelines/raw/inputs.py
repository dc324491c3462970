"""Raw files as inputs of actions: pinned by digest, cut into splits, read in pieces of bounded size.

Planning reads each file once, and says what every byte of it is. A worker reads the bytes of its split again
and refuses them when they are others by then.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any, cast

from pipelines.raw.decompression import decompress, detect
from pipelines.raw.files import Located, locate, reading
from pipelines.raw.lineblocks import BLOCK_BYTES, LINE_BYTES, LongLine, blocks
from pipelines.raw.scan import Scan
from transforms.domain import schemas
from transforms.domain.errors import ConfigError, InputError
from transforms.formats import heads, quarantine
from transforms.formats.lines import Parsed
from transforms.formats.quarantine import Refused
from transforms.formats.registry import FileFormat, LineFormat
from transforms.formats.rowgroups import Cut

_COMPRESSED_CHUNK_BYTES = 1 << 18
_WHOLE_BYTES = 1 << 30
_LOOKS_AT_ONCE = 16  # that is waiting, where the files are in a bucket

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


def total_bytes(paths: Sequence[str]) -> int:
    """How many bytes planning ``paths`` will read.

    Raises:
        InputError: one is no file.
    """
    return sum(each.bytes for each in _located(paths))


def _located(paths: Sequence[str]) -> list[Located]:
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
        return list(pool.map(locate, paths))


# --- Planning ----------------------------------------------------------------------------------------------


def plan(
    paths: Sequence[str],
    fmt: Format | None,
    *,
    split_bytes: int,
    report: Callable[[int], None] | None = None,
) -> Inputs:
    """The files with their digests, and their splits.

    Plain files of lines are cut at the first line feed at or after each multiple of ``split_bytes``; the
    same bytes are always cut at the same places. Large Parquet files are cut between row groups. Every other
    file is one split.

    Args:
        paths: local paths or URLs.
        fmt: the format that all have; None for files that are not looked at, and may be empty.
        split_bytes: at least 1.
        report: called with how many bytes have been read so far.

    Raises:
        InputError: a file is missing, unreadable, empty or not of the format.
        ConfigError: a file is named twice.
    """
    located = _located(paths)
    named: dict[str, str] = {}
    for path, each in zip(paths, located, strict=True):
        if each.identity in named:
            raise ConfigError(f"{path}: named twice, before as {named[each.identity]}. Name each file once.")
        named[each.identity] = path
    # A file of another kind is told before the others are read to their ends.
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
        looked = list(pool.map(lambda each: _look(each, fmt), located))
    count = _Count(report)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pinned = list(pool.map(lambda seen: _pin(seen, fmt, split_bytes, count), looked))
    return Inputs(tuple(file for file, _ in pinned), tuple(split for _, splits in pinned for split in splits))


@dataclass(frozen=True)
class _Looked:
    located: Located
    compression: str
    settings: Mapping[str, object]


class _Count:
    """Adds up what threads have read, and reports it."""

    def __init__(self, report: Callable[[int], None] | None) -> None:
        self._report = report
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self._bytes += size
            if self._report:
                self._report(self._bytes)


def _pin(
    looked: _Looked, fmt: Format | None, split_bytes: int, count: _Count
) -> tuple[File, tuple[Split, ...]]:
    """A file and its splits, by the digests that their bytes have now."""
    can_cut = isinstance(fmt, LineFormat) and not looked.compression
    place = looked.located.place
    jumps = isinstance(fmt, FileFormat)
    with reading(place, stop_bytes=looked.located.bytes, here_and_there=jumps) as file:
        cuts = fmt.cuts(file, split_bytes) if isinstance(fmt, FileFormat) else ()
        scan = Scan(split_bytes if can_cut else None, [cut.end_bytes for cut in cuts])
        file.seek(0)
        while chunk := file.read(BLOCK_BYTES):
            scan.take(chunk)
            count.add(len(chunk))
    # Replaced meanwhile, a file in a bucket would have been read as far as the one before was long: a digest
    # of that would pin a list that lacks its end.
    if locate(place).version != looked.located.version or scan.bytes != looked.located.bytes:
        raise _changed(place)
    splits = tuple(
        Split(place, *cut, compression=looked.compression, settings=looked.settings) for cut in scan.finish()
    )
    if cuts:
        splits = _of_row_groups(splits, cuts)
    return File(place, scan.bytes, scan.whole.hexdigest()), splits


def _of_row_groups(pieces: Sequence[Split], cuts: Sequence[Cut]) -> tuple[Split, ...]:
    """The pieces of a Parquet file as splits; the last piece is its footer, which all others need."""
    if len(pieces) != len(cuts) + 1:
        raise _changed(pieces[0].path)
    *groups, footer = pieces
    read_with = {"footer": [footer.offset_bytes, footer.sha256]}
    return tuple(
        dataclasses.replace(
            piece, settings={**piece.settings, "row_groups": [cut.first, cut.stop], **read_with}
        )
        for piece, cut in zip(groups, cuts, strict=True)
    )


def _look(located: Located, fmt: Format | None) -> _Looked:
    """How the file is packed, and what the format finds in its beginning."""
    place = located.place
    with reading(place, stop_bytes=located.bytes, ahead_bytes=heads.SAMPLE_BYTES) as file:
        compression = detect(file.read(10))
        file.seek(0)
        if fmt is None:
            return _Looked(located, compression, {})
        head = b""
        for piece in decompress(iter(lambda: file.read(_COMPRESSED_CHUNK_BYTES), b""), compression, place):
            head += piece
            if len(head) >= heads.SAMPLE_BYTES:
                break
    if not head:
        raise InputError(f"{place}: an empty file. Leave it out, or fetch it again.")
    if compression and not isinstance(fmt, LineFormat):
        raise InputError(f"{place}: {compression} data, which {fmt.name} is not read from. Unpack it first.")
    return _Looked(located, compression, fmt.variant(head, place))


# --- Reading -----------------------------------------------------------------------------------------------


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
    size = _COMPRESSED_CHUNK_BYTES if split.compression else BLOCK_BYTES
    digest = hashlib.sha256()
    left = split.length_bytes
    file.seek(split.offset_bytes)
    while left and (chunk := file.read(min(size, left))):
        digest.update(chunk)
        left -= len(chunk)
        yield chunk
    if left or digest.hexdigest() != split.sha256:
        raise _changed(split.path)


def _end(split: Split) -> int:
    return split.offset_bytes + split.length_bytes


def _changed(path: str) -> InputError:
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
