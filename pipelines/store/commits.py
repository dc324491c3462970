"""Committing: creating the one object that makes everything before it visible."""

from __future__ import annotations

from pipelines.store.backend import Backend
from transforms.domain.errors import CommitOutcomeUnknown, UnreachableError


def commit(backend: Backend, path: str, document: bytes) -> bool:
    """Whether ``document`` is what lies at ``path``; False if another one was there before.

    With a nonce in it, it does so because of this call, whatever the place answered.

    Raises:
        CommitOutcomeUnknown: the place did not say in time; the commit may stand or not.
    """
    try:
        return backend.create(path, document) or backend.read(path) == document
    except UnreachableError as error:
        raise CommitOutcomeUnknown(
            f"{backend.url}/{path}: not known whether this commit stands, for the store does not answer."
            " Nothing was deleted. The same command finds out: run it again"
        ) from error
