"""Files that are answers of an API: one each, or many in one file, as XML or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from transforms.formats import heads, seen
from transforms.formats.lines import Parsed
from transforms.formats.rowgroups import Cut
from transforms.formats.seen import Seen

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class AnswerFile:
    """A format of license snapshots whose files are read whole, each by one action.

    Attributes:
        name: of the format.
        expected: what its files are, for the message where one is something else.
        marks: of which one stands in the beginning of each file.
        see: what a file says, given the file and settings.
        begins: with which of these a file begins, behind white space.
        names: settings from a file's beginning and name, where its name says what its content does not.
    """

    name: str
    expected: str
    marks: tuple[bytes, ...]
    see: Callable[[IO[bytes], Mapping[str, object]], Iterator[Seen]]
    begins: tuple[bytes, ...] = (b"{", b"[", b"jsonFlickrApi(")
    names: Callable[[bytes, str], dict[str, object]] | None = None
    kind: str = "licenses"

    def variant(self, head: bytes, place: str) -> dict[str, object]:
        """Settings from the file's name, where they are needed; the beginning is only looked at.

        Raises:
            InputError: it does not begin as a file of this format.
        """
        text = head.removeprefix(_BOM).lstrip()
        if not text.startswith(self.begins) or not any(mark in text for mark in self.marks):
            raise heads.not_of_format(head, place, self.name, self.expected)
        return self.names(text, place) if self.names else {}

    def cuts(self, file: IO[bytes], split_bytes: int) -> Sequence[Cut]:
        """Nothing: the file is read as a whole."""
        return ()

    def batches(self, file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Parsed]:
        """The observations, in the order of the file.

        Raises:
            InputError: the file cannot be read. The message does not name it.
        """
        yield from seen.batches(self.see(file, settings), settings)
