"""The places that a store can lie in, and what lies there."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from pipelines.store.backend import Backend

# A new kind of backend is one line here: where a fresh, empty store of it may be made.
PLACES: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "local": lambda request: str(request.getfixturevalue("tmp_path") / f"store-{uuid4().hex}"),
    "gcs": lambda request: f"gs://{request.getfixturevalue('cloud').new_bucket()}/a/store",
}

Stamp = tuple[object, ...]


def files(backend: Backend, folder: str) -> dict[str, Stamp]:
    """Every object in ``folder`` and below, with what changes whenever it is written."""
    found = {path: _stamp(backend, path) for path in backend.list(folder)}
    for inner in backend.folders(folder):
        found.update(files(backend, inner))
    return found


def _stamp(backend: Backend, path: str) -> Stamp:
    file = backend.local_path(path)
    if file is not None:
        return file.stat().st_ino, file.stat().st_mtime_ns
    found = backend.read_generation(path)
    assert found
    return (found[1],)


def overwrite(backend: Backend, path: str, content: bytes) -> None:
    """What nobody does: other bytes under a name that is given once."""
    backend.remove(path)
    assert backend.create(path, content)
