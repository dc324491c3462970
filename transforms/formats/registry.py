"""The formats by name. To add one: write its module, and one line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import IO, Protocol, runtime_checkable

from transforms.domain.errors import ConfigError
from transforms.domain.texts import did_you_mean, shown
from transforms.formats import (
    canonical,
    flickr_history,
    flickr_info,
    flickr_photos,
    ml5,
    openverse,
    snapshot_csv,
    yfcc100m,
)
from transforms.formats.answerfile import AnswerFile
from transforms.formats.lines import Parsed
from transforms.formats.rowgroups import Cut


class Format(Protocol):
    """What every format has: its name, and ``kind``: ``manifest``, or of which kind of snapshot."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def variant(self, head: bytes, place: str) -> dict[str, object]:
        """Settings from a file's beginning; InputError naming ``place`` if it is not of this format."""


@runtime_checkable
class LineFormat(Format, Protocol):
    """A format whose file can be cut at any line feed, and read a block of lines at a time."""

    def parse(self, block: bytes, *, offset_bytes: int, line: int, settings: Mapping[str, object]) -> Parsed:
        """The rows of a block that begins at this place of its split."""


@runtime_checkable
class FileFormat(Format, Protocol):
    """A format whose file has an inner structure; its errors do not name the file."""

    def cuts(self, file: IO[bytes], split_bytes: int) -> Sequence[Cut]:
        """Where the file can be cut; nothing, if it is read as a whole."""

    def batches(self, file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Parsed]:
        """The rows, in the order of the file; with ``row_groups`` (first, stop) in ``settings``, of those."""


_ALL: tuple[LineFormat | FileFormat, ...] = (
    yfcc100m,
    openverse,
    canonical.MANIFEST,
    canonical.LICENSES,
    snapshot_csv.LICENSES,
    flickr_photos.FORMAT,
    flickr_info.FORMAT,
    flickr_history.FORMAT,
    ml5.FORMAT,
    canonical.DETECTIONS,
    snapshot_csv.DETECTIONS,
)

_READ_AS = {
    "manifests": ("manifest",),
    "licenses": ("licenses", "manifest"),
    "detections": ("detections",),
}

FORMATS: Mapping[str, LineFormat | FileFormat] = MappingProxyType({one.name: one for one in _ALL})


def tells_by_name(name: str) -> bool:
    """Whether files of the format called ``name`` say by their own names which item they are about."""
    one = FORMATS.get(name)
    return isinstance(one, AnswerFile) and one.names is not None


def find_format(kind: str, name: str) -> LineFormat | FileFormat:
    """The format called ``name`` for tables of a kind; ``canonical`` and ``csv`` stand for each kind's own.

    A manifest also says which license each item has: its formats can be read as license snapshots too.

    Args:
        kind: ``manifests``, ``licenses`` or ``detections``.
        name: as a person writes it.

    Raises:
        ConfigError: there is none.
    """
    usable = {one.name: one for wanted in _READ_AS[kind] for one in _ALL if one.kind == wanted}
    for known in (f"{name}-{kind}", f"{kind}-{name}", name):
        if known in usable:
            return usable[known]
    fact = f"{shown(name)} is not a format of {kind}.{did_you_mean(name, usable)}"
    raise ConfigError(f"{fact} There are: {', '.join(usable)}.")
