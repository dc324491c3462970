"""What lies in a folder that others write to, local or in a bucket, without reading any of it."""

from __future__ import annotations

import datetime
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.raw.files import deadline_of, system_of, told

# What a file system tells of an object, in the order of how surely it is another when the bytes are others.
_STAMPS = ("generation", "etag", "ETag", "md5Hash", "updated", "mtime", "LastModified", "created")
_TIMES = ("updated", "mtime", "LastModified", "created")


@dataclass(frozen=True)
class Entry:
    """A file or a folder.

    Attributes:
        name: without its folder.
        place: its absolute path, or its URL.
        kind: ``file``, ``folder``, or ``other``, such as a pipe or a link to nothing.
        stamp: another whenever its bytes are others; None if that cannot be told.
        changed_at: when it was last written to, in seconds since 1970; None if that cannot be told.
    """

    name: str
    place: str
    kind: str
    stamp: str | None = None
    changed_at: float | None = None


def entries(folder: str) -> list[Entry]:
    """What lies in ``folder``, a local path or an URL, by name.

    Raises:
        InputError: there is no such folder, or it cannot be read.
        ConfigError: no file system serves this kind of URL.
    """
    remote = "://" in folder
    with told(folder, Exception if remote else OSError, "folder"):
        found = _remote(folder) if remote else _local(folder)
    return sorted(found, key=lambda entry: entry.name)


def _local(folder: str) -> list[Entry]:
    root = os.path.abspath(folder)
    return [_local_entry(name, os.path.join(root, name)) for name in os.listdir(root)]


def _local_entry(name: str, place: str) -> Entry:
    try:
        found = os.stat(place)
    except FileNotFoundError:  # gone meanwhile, or a link to nothing
        return Entry(name, place, "other")
    if stat.S_ISDIR(found.st_mode):
        return Entry(name, place, "folder")
    # `ctime` too: it alone cannot be set back, as copying tools do with the other.
    stamp = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"
    kind = "file" if stat.S_ISREG(found.st_mode) else "other"
    return Entry(name, place, kind, stamp, found.st_ctime)


def _remote(folder: str) -> list[Entry]:
    system, path = system_of(folder)
    found = system.ls(path.rstrip("/"), detail=True, **deadline_of(system))
    # Some tools mark a folder by an empty object of its name.
    return [_remote_entry(system, info) for info in found if info["name"].strip("/") != path.strip("/")]


def _remote_entry(system: Any, info: Mapping[str, Any]) -> Entry:
    place = info["name"].rstrip("/")
    kind = {"directory": "folder", "file": "file"}.get(info["type"], "other")
    mark = next((info[name] for name in _STAMPS if info.get(name)), None)
    stamp = None if mark is None else f"{info['size']}-{mark}"
    changed = next((info[name] for name in _TIMES if info.get(name)), None)
    return Entry(place.rpartition("/")[2], system.unstrip_protocol(place), kind, stamp, _seconds(changed))


def _seconds(stated: object) -> float | None:
    """A time as file systems tell it: a text, a `datetime`, or seconds."""
    if isinstance(stated, str):
        stated = datetime.datetime.fromisoformat(stated)
    if isinstance(stated, datetime.datetime):
        return stated.timestamp()
    return float(stated) if isinstance(stated, int | float) else None
