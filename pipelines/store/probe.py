"""A probe: does this place keep the promise on which every commit rests?

Some places answer well and ignore conditions, such as emulators and gateways of object stores. There two
releases could be published under one version, and each run would believe that its own stands.
"""

from __future__ import annotations

import secrets
import weakref

from pipelines.store.backend import Backend
from transforms.domain.errors import RefusedError

_PASSED: weakref.WeakSet[Backend] = weakref.WeakSet()


def probe(backend: Backend) -> None:
    """Create and replace an object of our own, each twice; once in the life of ``backend``.

    Raises:
        RefusedError: the second of two was accepted, or something else lies there than was written.
    """
    if backend in _PASSED:
        return
    path = f"tmp/probe-{secrets.token_hex(16)}"
    first, second, third, fourth = (f"{number} {secrets.token_hex(16)}".encode() for number in range(4))
    try:
        _hold(backend, path, backend.create(path, first), first, "creating an object where there is none")
        _hold(backend, path, not backend.create(path, second), first, "creating an object where there is one")
        found = backend.read_generation(path)
        stale = found[1] if found else None
        _hold(backend, path, backend.replace(path, third, stale), third, "replacing what was read")
        _hold(backend, path, not backend.replace(path, fourth, stale), third, "replacing what was replaced")
    finally:
        backend.remove(path)
    _PASSED.add(backend)


def _hold(backend: Backend, path: str, answered_well: bool, expected: bytes, what: str) -> None:
    found = backend.read_generation(path)
    if not answered_well or found is None or found[0] != expected:
        raise RefusedError(
            f"{backend.url}: conditional writes are not honored here: {what} came to the"
            f" {'right' if answered_well else 'wrong'} answer, and {_holds(found, expected)}. Two runs could"
            " publish one version. Use a local folder, or a bucket of Google Cloud Storage itself"
        )


def _holds(found: tuple[bytes, str] | None, expected: bytes) -> str:
    if found is None:
        return "nothing lies there"
    return "what should lie there does" if found[0] == expected else "something else lies there"
