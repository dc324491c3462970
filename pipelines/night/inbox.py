"""Looking through an inbox: what in it can be taken in, by its name and its age, and what is left and why.

A unit is a file, or a folder whose files are taken in together. Nothing is read here but names and stamps.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.night.settings import Inbox
from pipelines.raw.folders import Entry, entries
from pipelines.store.tables import MANIFESTS, check_name, natural
from transforms.domain.errors import ByleaveError, ConfigError, InputError

# What desktops and version control leave in folders.
_CLUTTER = {".DS_Store", ".directory", ".gitignore", ".gitkeep", ".keep", "Thumbs.db", "desktop.ini"}
# How tools that copy and download call a file that is not whole yet.
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", "~")
_ENDINGS = (".gz", ".bz2", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".xml", ".parquet")
_DAY = re.compile(r"(?<!\d)(\d{4})(-?)(\d\d)\2(\d\d)(?!\d)")
_SECONDS_OF_A_DAY = 86_400


@dataclass(frozen=True)
class Unit:
    """What is taken in at once.

    Attributes:
        kind: as of its inbox.
        place: of the file or the folder.
        name: of the snapshot that it becomes; of a list only the day counts.
        day: that its name states; empty for a manifest.
        stamps: of each of its files, by place: another whenever the bytes are.
    """

    kind: str
    place: str
    name: str
    day: str
    stamps: Mapping[str, str | None]


@dataclass(frozen=True)
class Left:
    """What is left in place.

    Attributes:
        kind: as of its inbox.
        place: of the file, the folder, or the inbox itself.
        why: a line, or one for each fault in a list.
        waits: whether nothing is wrong with it, and the next run may well take it in.
    """

    kind: str
    place: str
    why: str
    waits: bool = False

    @property
    def exit_code(self) -> int:
        """That of a run in which nothing worse happens."""
        return 0 if self.waits else InputError.exit_code


class _LeftInPlace(Exception):
    def __init__(self, why: str, *, waits: bool = False) -> None:
        super().__init__(why)
        self.waits = waits


def survey(inbox: Inbox, now: float, settle_seconds: float) -> Iterator[Unit | Left]:
    """The units of an inbox in the order of their names, and what is left in place.

    Args:
        inbox: to look through.
        now: seconds since 1970.
        settle_seconds: what changed within that time is still being written.
    """
    try:
        found = entries(inbox.folder)
    except ByleaveError as error:
        yield Left(inbox.kind, inbox.folder, why_of(inbox.folder, error))
        return
    for entry in sorted(found, key=lambda entry: natural(entry.name)):
        if entry.name not in _CLUTTER:
            try:
                yield _unit(inbox.kind, entry, now, settle_seconds)
            except _LeftInPlace as left:
                yield Left(inbox.kind, entry.place, str(left), left.waits)


def _unit(kind: str, entry: Entry, now: float, settle_seconds: float) -> Unit:
    _check_whole(entry.name)
    files = [entry]
    if entry.kind == "folder":
        try:
            files = [each for each in entries(entry.place) if each.name not in _CLUTTER]
        except ByleaveError as error:
            raise _LeftInPlace(why_of(entry.place, error)) from None
        if not files:
            raise _LeftInPlace("an empty folder: its files are still to come", waits=True)
    for file in files:
        inside = f"{file.name}: " if file is not entry else ""
        _check_whole(file.name, inside)
        if file.kind != "file":
            what = "a folder in a folder" if file.kind == "folder" else "neither a file nor a folder"
            raise _LeftInPlace(f"{inside}{what}. Put files into it, or take it away")
        if file.changed_at is not None and now - file.changed_at < settle_seconds:
            raise _LeftInPlace(f"{inside}changed less than {settle_seconds:g} s ago", waits=True)
    name = entry.name if entry.kind == "folder" else _stem(entry.name)
    day = "" if kind == MANIFESTS else _day(name, now)
    try:
        check_name(name, "the name")
    except ConfigError as error:
        raise _LeftInPlace(f"{error}. Rename it") from None
    return Unit(kind, entry.place, name, day, {file.place: file.stamp for file in files})


def _check_whole(name: str, inside: str = "") -> None:
    if name.startswith((".", "~")) or name.endswith(_UNFINISHED):
        raise _LeftInPlace(f"{inside}still being written, by its name", waits=True)


def _stem(name: str) -> str:
    """A file's name without what says how it is packed and written."""
    while (
        ending := next((each for each in _ENDINGS if name.lower().endswith(each)), None)
    ) and name != ending:
        name = name[: -len(ending)]
    return name


def _day(name: str, now: float) -> str:
    """The one day that a name states."""
    days = {day for found in _DAY.finditer(name) if (day := _iso(*found.group(1, 3, 4)))}
    if len(days) != 1:
        said = f"names {' and '.join(sorted(days))}" if days else "names no day"
        raise _LeftInPlace(f"{said}: rename it after the one day on which it was true, as 2026-11-20")
    (day,) = days
    # A day too late would be every later release's; and a list of tomorrow can only be a slip of the pen.
    last = datetime.datetime.fromtimestamp(now + _SECONDS_OF_A_DAY, datetime.UTC).date().isoformat()
    if day > last:
        raise _LeftInPlace(f"names {day}, which is yet to come. Rename it after its day")
    return day


def _iso(*parts: str) -> str | None:
    try:
        return datetime.date.fromisoformat("-".join(parts)).isoformat()
    except ValueError:
        return None


def why_of(place: str, error: ByleaveError) -> str:
    """What an error says of a place, without the place with which its lines begin."""
    return re.sub(rf"(?m)^{re.escape(place)}[:,] ", "", str(error))


def first_line(why: str) -> str:
    """The first fault, and how many there are besides: a list may have pages of them."""
    first, *more = why.splitlines()
    return f"{first} (and {len(more):,} more)" if more else first
