"""Planning: each raw file is read once, pinned by digest, and cut into splits."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.raw.decompression import decompress, detect
from pipelines.raw.files import Located, locate, reading
from pipelines.raw.inputs import COMPRESSED_CHUNK_BYTES, File, Format, Inputs, Split, changed
from pipelines.raw.lineblocks import BLOCK_BYTES
from pipelines.raw.scan import Scan
from pipelines.threads import in_threads
from transforms.domain.errors import ConfigError, InputError
from transforms.formats import heads
from transforms.formats.registry import FileFormat, LineFormat
from transforms.formats.rowgroups import Cut

_LOOKS_AT_ONCE = 16  # that is waiting, where the files are in a bucket


def total_bytes(paths: Sequence[str]) -> int:
    """How many bytes planning ``paths`` will read.

    Raises:
        InputError: one is no file.
    """
    return sum(each.bytes for each in _located(paths))


def _located(paths: Sequence[str]) -> list[Located]:
    return list(in_threads(locate, paths, _LOOKS_AT_ONCE))


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
    looked = list(in_threads(lambda each: _look(each, fmt), located, _LOOKS_AT_ONCE))
    count = _Count(report)
    pinned = list(in_threads(lambda seen: _pin(seen, fmt, split_bytes, count), looked))
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
        raise changed(place)
    splits = tuple(
        Split(place, *cut, compression=looked.compression, settings=looked.settings) for cut in scan.finish()
    )
    if cuts:
        splits = _of_row_groups(splits, cuts)
    return File(place, scan.bytes, scan.whole.hexdigest()), splits


def _of_row_groups(pieces: Sequence[Split], cuts: Sequence[Cut]) -> tuple[Split, ...]:
    """The pieces of a Parquet file as splits; the last piece is its footer, which all others need."""
    if len(pieces) != len(cuts) + 1:
        raise changed(pieces[0].path)
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
        for piece in decompress(iter(lambda: file.read(COMPRESSED_CHUNK_BYTES), b""), compression, place):
            head += piece
            if len(head) >= heads.SAMPLE_BYTES:
                break
    if not head:
        raise InputError(f"{place}: an empty file. Leave it out, or fetch it again.")
    if compression and not isinstance(fmt, LineFormat):
        raise InputError(f"{place}: {compression} data, which {fmt.name} is not read from. Unpack it first.")
    return _Looked(located, compression, fmt.variant(head, place))
