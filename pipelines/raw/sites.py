"""Folders of what sites said: which of their files is what, by names alone.

::

    evidence/
      captures.jsonl              objects, as of :mod:`transforms.formats.evidence`
      example.org/robots.txt      a site's own documents, in a folder of its host's name
      example.org/ai.txt
      example.org/tdmrep.json     or .well-known/tdmrep.json
      example.org/headers.txt     header lines that it sends with every page
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipelines.raw.files import deadline_of, system_of, told
from pipelines.raw.folders import Entry, entries
from transforms.domain.errors import InputError
from transforms.domain.texts import did_you_mean, shown
from transforms.formats.sitefiles import OBJECTS, SITE_FILES

_WELL_KNOWN = ".well-known"
_OBJECT_ENDINGS = (".json", ".jsonl", ".ndjson", ".gz", ".bz2")


class Found(NamedTuple):
    """A file of evidence.

    Attributes:
        place: its path or URL.
        role: its name among a site's files, or :data:`OBJECTS`.
        host: whose it is; empty for objects, which name their URLs.
    """

    place: str
    role: str
    host: str


def find(places: Sequence[str]) -> tuple[list[Found], list[str]]:
    """The files of evidence at ``places``, files or folders, and those beside them that are none.

    Raises:
        InputError: a place is not there or holds nothing, or a file's name is nearly one that is known.
    """
    found: list[Found] = []
    others: list[str] = []
    for place in places:
        if not _is_folder(place):
            found.append(_file(place))
            continue
        before = len(found)
        _look(place, found, others)
        if len(found) == before:
            raise InputError(f"{place}: holds no evidence: {', '.join(SITE_FILES)}, or files of JSON objects")
    return found, others


def _is_folder(place: str) -> bool:
    system, path = system_of(place)
    with told(place, Exception if "://" in place else OSError):
        return bool(system.isdir(path, **deadline_of(system)))


def _file(place: str) -> Found:
    host, _, name = place.replace("\\", "/").rstrip("/").rpartition("/")
    if name not in SITE_FILES:
        return Found(place, OBJECTS, "")
    if host.endswith(f"/{_WELL_KNOWN}"):
        host = host.rpartition("/")[0]
    return Found(place, name, host.rpartition("/")[2])


def _look(folder: str, found: list[Found], others: list[str]) -> None:
    """A folder of folders and objects; or one of a site."""
    here = entries(folder)
    if any(entry.name in SITE_FILES for entry in here):
        _look_at_site(folder, _name(folder), here, found, others)
        return
    for entry in here:
        if entry.kind == "folder":
            _look_at_site(entry.place, entry.name, entries(entry.place), found, others)
        elif entry.name.endswith(_OBJECT_ENDINGS) and entry.kind == "file":
            found.append(Found(entry.place, OBJECTS, ""))
        else:
            others.append(entry.place)


def _look_at_site(
    folder: str, host: str, here: Sequence[Entry], found: list[Found], others: list[str]
) -> None:
    for entry in here:
        if entry.kind == "file" and entry.name in SITE_FILES:
            found.append(Found(entry.place, entry.name, host))
        elif entry.kind == "folder" and entry.name == _WELL_KNOWN:
            _look_at_site(entry.place, host, entries(entry.place), found, others)
        elif near := did_you_mean(entry.name, SITE_FILES):
            raise InputError(f"{entry.place}: {shown(entry.name)} is not read.{near}")
        else:
            others.append(entry.place)


def _name(folder: str) -> str:
    _, path = system_of(folder)
    return str(path).rstrip("/").rpartition("/")[2]
