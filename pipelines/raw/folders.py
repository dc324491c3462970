"""What lies in a folder that others write to, local or in a bucket, without reading any of it."""

from __future__ import annotations

import datetime
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fsspec

from transforms.domain.errors import ConfigError, InputError

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
    try:
        found = _remote(folder) if "://" in folder else _local(folder)
    except FileNotFoundError:
        raise InputError(f"{folder}: no such folder. Make it, or mend its path.") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: not a folder. Name the folder that files are put into.") from None
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{folder}: cannot be read ({reason}). Look at its permissions.") from None
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
    try:
        system, path = fsspec.core.url_to_fs(folder)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{folder}: no such kind of address ({error})") from None
    system.invalidate_cache()
    path = path.rstrip("/")
    found = system.ls(path, detail=True)
    # Some tools mark a folder by an empty object of its name.
    return [_remote_entry(system, info) for info in found if info["name"].strip("/") != path.strip("/")]


def _remote_entry(system: Any, info: Mapping[str, Any]) -> Entry:
    place = info["name"].rstrip("/")
    kind = {"directory": "folder", "file": "file"}.get(info["type"], "other")
    mark = next((info[name] for name in _STAMPS if info.get(name)), None)
    stamp = None if mark is None else f"{info['size']}-{mark}"
    changed = next((info[name] for name in _TIMES if info.get(name)), None)
    return Entry(place.rpartition("/")[2], system.unstrip_protocol(place), kind, stamp, _seconds(changed))


def _seconds(told: object) -> float | None:
    """A time as file systems tell it: a text, a `datetime`, or seconds."""
    if isinstance(told, str):
        told = datetime.datetime.fromisoformat(told)
    if isinstance(told, datetime.datetime):
        return told.timestamp()
    return float(told) if isinstance(told, int | float) else None
