"""Memos: the results of actions, remembered under the digest of what went into them.

A memo is written once. A second result for the same key means that an action is not a pure function, which
is an error of its own: nothing built on it could be trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.store.backend import Backend
from pipelines.store.blobs import Blob, Blobs
from pipelines.store.documents import canonical
from pipelines.store.routed import Routed
from pipelines.threads import in_threads
from transforms.domain.errors import IntegrityError


@dataclass(frozen=True)
class Result:
    """What an action made: blobs and routed files by name, and counts that reconcile."""

    blobs: Mapping[str, Blob] = field(default_factory=dict)
    routed: Mapping[str, tuple[Routed, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def files(self) -> list[Blob]:
        """Every blob that the result refers to."""
        return [*self.blobs.values(), *(each.file for group in self.routed.values() for each in group)]

    def counts_by(self, kind: str) -> dict[str, int]:
        """The counts `<kind>/<name>`, by that name."""
        prefix = f"{kind}/"
        return {name.removeprefix(prefix): n for name, n in self.counts.items() if name.startswith(prefix)}

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON value."""
        return {
            "blobs": {name: blob.to_json() for name, blob in self.blobs.items()},
            "routed": {name: [each.to_json() for each in group] for name, group in self.routed.items()},
            "counts": dict(self.counts),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Result:
        """What :meth:`to_json` wrote."""
        return Result(
            {name: Blob.from_json(blob) for name, blob in value["blobs"].items()},
            {name: tuple(Routed.from_json(r) for r in group) for name, group in value["routed"].items()},
            value["counts"],
        )


class Memos:
    """The memos of one store."""

    def __init__(self, backend: Backend, blobs: Blobs) -> None:
        self._backend = backend
        self._blobs = blobs

    @staticmethod
    def _path(stage: str, key: str) -> str:
        return f"memo/{stage}/{key[:2]}/{key}.json"

    def get(self, stage: str, key: str) -> Result | None:
        """The result remembered for ``key``; None if there is none, or a blob of it is gone."""
        result = self.find(stage, key)
        return result if result and all(self._blobs.has(blob) for blob in result.files()) else None

    def get_all(self, stage: str, keys: Sequence[str]) -> dict[str, Result]:
        """What :meth:`get` finds, by key; as many at once as the store bears."""
        found = in_threads(lambda key: self.get(stage, key), keys, self._backend.reads_at_once)
        return {key: result for key, result in zip(keys, found, strict=True) if result is not None}

    def find(self, stage: str, key: str) -> Result | None:
        """The result remembered for ``key``, whether its blobs are still there or not."""
        try:
            text = self._backend.read(self._path(stage, key))
        except FileNotFoundError:
            return None
        try:
            return Result.from_json(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(f"{self._path(stage, key)}: not a memo ({error})") from error

    def put(self, stage: str, key: str, result: Result) -> None:
        """Remember ``result``; its blobs are in the store already.

        Raises:
            IntegrityError: another result is remembered for the same key.
        """
        data = canonical(result.to_json())
        path = self._path(stage, key)
        if not self._backend.create(path, data) and self._backend.read(path) != data:
            raise IntegrityError(
                f"{path}: the action {stage} gave two results for the same inputs; it is not a pure function"
            )
