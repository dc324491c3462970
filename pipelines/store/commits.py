"""Committing: creating the one object that makes everything before it visible."""

from __future__ import annotations

from pipelines.store.backend import Backend
from transforms.domain.errors import CommitOutcomeUnknown, UnreachableError


def commit(backend: Backend, path: str, document: bytes) -> bytes:
    """What lies at ``path`` afterwards: ``document``, or what was there before.

    A document with a nonce that lies there does so because of this call, whatever the place answered.

    Raises:
        CommitOutcomeUnknown: the place did not say in time; the commit may stand or not.
    """
    try:
        return document if backend.create(path, document) else backend.read(path)
    except UnreachableError as error:
        raise CommitOutcomeUnknown(
            f"{backend.url}/{path}: not known whether this commit stands, for the store does not answer."
            " Nothing was deleted. The same command finds out: run it again"
        ) from error
