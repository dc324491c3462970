"""Opening raw files, local or in a bucket: every way in which that fails is one line for the operator."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import fsspec

from transforms.domain.errors import ConfigError, InputError


class Located(NamedTuple):
    """A file that was there: the place its errors name, and what tells it from every other file."""

    place: str
    identity: str
    bytes: int


def _system(place: str) -> tuple[Any, str]:
    # A local path goes by no URL rules: `a::b` and `~` are names like others.
    if "://" not in place:
        return fsspec.filesystem("file"), os.path.abspath(place)
    try:
        system, path = fsspec.core.url_to_fs(place)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{place}: no such kind of address ({error})") from None
    return system, path


def locate(place: str) -> Located:
    """The file at ``place``, a local path or an URL such as ``gs://bucket/name``.

    Raises:
        InputError: nothing is there, or something that is no file.
    """
    system, path = _system(place)
    try:
        info = system.info(path)
    except FileNotFoundError:
        raise InputError(f"{place}: no such file. Look at the spelling of its path.") from None
    except OSError as error:
        raise _unreadable(place, error) from None
    if info["type"] == "directory":
        raise InputError(f"{place}: a directory. Name the files in it.")
    if info["type"] != "file":
        raise InputError(f"{place}: neither a file nor a directory. Write its content to a file first.")
    if "://" in place:
        return Located(place, system.unstrip_protocol(path), int(info["size"]))
    return Located(path, os.path.realpath(path), int(info["size"]))


@contextlib.contextmanager
def reading(place: str) -> Iterator[IO[bytes]]:
    """The open file.

    Raises:
        InputError: it cannot be opened, or reading it failed.
    """
    system, path = _system(place)
    try:
        with system.open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        # It was there when the run was planned: it went away, or this is a worker that does not see it.
        raise InputError(
            f"{place}: no such file on {socket.gethostname()}. Workers on other machines need files that all"
            " of them reach, such as gs://bucket/name, or a shared disk"
        ) from None
    except OSError as error:
        raise _unreadable(place, error) from None


def _unreadable(place: str, error: OSError) -> InputError:
    return InputError(f"{place}: cannot be read ({error.strerror or error}). Look at its permissions.")
