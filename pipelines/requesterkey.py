"""The key under which people who ask are kept: a file outside the store, which the environment may name."""

from __future__ import annotations

import os
from pathlib import Path

from transforms.domain.errors import ConfigError
from transforms.domain.requesters import LEAST_KEY_BYTES, key_id

VARIABLE = "BYLEAVE_REQUESTER_KEY"


def key_file(named: str | None) -> str:
    """The key's file: as named, else as the environment says; empty if there is none."""
    found = named or os.environ.get(VARIABLE, "")
    return str(Path(found).absolute()) if found else ""


def read_key(file: str) -> bytes | None:
    """The key in ``file``, without the white space around it; None if no file is named.

    Raises:
        ConfigError: the file cannot be read, or holds too little for a key.
    """
    if not file:
        return None
    try:
        key = Path(file).read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{file}: the requester key cannot be read: {error.strerror}") from None
    if len(key) < LEAST_KEY_BYTES:
        raise ConfigError(
            f"{file}: a requester key has at least {LEAST_KEY_BYTES} bytes, and this one {len(key)}. Make"
            f" one: openssl rand -hex 32 > {file}"
        )
    return key


def id_of(file: str) -> str | None:
    """Which key the file holds: what an action is told of it. Errors as :func:`read_key`."""
    key = read_key(file)
    return key_id(key) if key else None


def read_same(file: str, wanted: str | None) -> bytes | None:
    """The key in ``file``, if it is the one with the id ``wanted``.

    Raises:
        ConfigError: it holds another one now, or as :func:`read_key`.
    """
    if id_of(file) != wanted:
        raise ConfigError(f"{file}: holds another requester key than when this was planned")
    return read_key(file)
