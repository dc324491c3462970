"""Releases: one small document each, and the one version file that commits it.

The document is a blob; `releases/<version>.json` names it by digest and is created only if absent. A reader
that finds the version file finds everything that it names; before that there is no release.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.store.backend import Backend
from pipelines.store.blobs import Blob, Blobs
from pipelines.store.commits import commit
from pipelines.store.documents import canonical, digest
from pipelines.store.tables import check_name, natural
from pipelines.threads import in_threads
from transforms.domain.errors import IntegrityError, StateError, UnreachableError

FORMAT = "byleave-release/1"
PARTS = ("items", "excluded", "tallies", "exclusions")


@dataclass(frozen=True)
class Release:
    """What a release is, in the form of ``docs/release-format.md``.

    Attributes:
        version: under which it is committed; not part of its digest.
        content: dataset, purpose, policy, as_of, inputs, toolchain, counts, schema: JSON values.
        parts: for each of :data:`PARTS`, its blob in each bucket that has one.
    """

    version: str
    content: Mapping[str, Any]
    parts: Mapping[str, Mapping[int, Blob]]

    @property
    def digest(self) -> str:
        """What was released: the same for the same rows, inputs and policy, whatever the version."""
        return digest({**self.to_json(), "version": None})

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "format": FORMAT,
            "version": self.version,
            **self.content,
            "tables": {
                name: [[bucket, *blob.to_json()] for bucket, blob in sorted(self.parts[name].items())]
                for name in PARTS
            },
        }

    @staticmethod
    def from_json(value: Mapping[str, Any], place: str) -> Release:
        """What :meth:`to_json` wrote.

        Raises:
            IntegrityError: the document is of another form.
        """
        content = dict(value) if isinstance(value, Mapping) else {}
        found = content.pop("format", None)
        if found != FORMAT:
            raise IntegrityError(f"{place}: its format is {found!r}; this version reads {FORMAT}")
        try:
            tables = content.pop("tables")
            parts = {name: {b: Blob.from_json(blob) for b, *blob in tables[name]} for name in PARTS}
            return Release(content.pop("version"), content, parts)
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"{place}: not a release of byleave ({error!r})") from error


class Releases:
    """The releases of one dataset."""

    def __init__(self, backend: Backend, blobs: Blobs, dataset_path: str) -> None:
        self._backend = backend
        self._blobs = blobs
        self._root = f"{dataset_path}/releases"
        self._latest = f"{dataset_path}/channels/latest.json"

    def versions(self) -> list[str]:
        """Every version, the newest last."""
        paths = self._backend.list(self._root)
        return sorted((p.rsplit("/", 1)[1].removesuffix(".json") for p in paths), key=natural)

    def find(self, version: str) -> Release | None:
        """The release, or None. Its document is held to the digest in the version file."""
        path = self._path(check_name(version, "version"))
        try:
            return self._read(self._backend.read(path), version)
        except FileNotFoundError:
            return None

    def _path(self, version: str) -> str:
        return f"{self._root}/{version}.json"

    def _read(self, version_file: bytes, version: str) -> Release:
        path = self._path(version)
        try:
            document = Blob.from_json(json.loads(version_file)["release"])
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"{path}: not a version file ({error!r})") from error
        release = Release.from_json(json.loads(self._blobs.read(document)), path)
        if release.version != version:
            raise IntegrityError(f"{path}: names the document of version {release.version!r}")
        return release

    def get(self, version: str | None) -> Release:
        """The release of a version; None: of the newest.

        Raises:
            StateError: there is none.
        """
        release = self.find(version) if version is not None else None
        if release is not None:
            return release
        versions = self.versions()
        if not versions:
            raise StateError(f"{self._backend.url}: has no release yet. Cut one: byleave release cut --help")
        release = self.find(versions[-1]) if version is None else None
        if release is None:
            raise StateError(
                f"{self._backend.url}: has no release {version!r}. There is: {', '.join(versions)}"
            )
        return release

    def all(self) -> list[Release]:
        """Every release, the newest last."""
        return list(in_threads(self.get, self.versions(), self._backend.reads_at_once))

    def commit(self, release: Release) -> bool:
        """Make the release visible; False if it is there already, the same to the byte.

        Raises:
            StateError: the version is taken by another release.
            CommitOutcomeUnknown: the store did not say whether the release stands.
        """
        document = self._blobs.put_bytes(canonical(release.to_json()), ".json")
        # The nonce tells this commit from one of the same release by another run.
        version_file = canonical({"release": document.to_json(), "nonce": secrets.token_hex(16)})
        stands = commit(self._backend, self._path(release.version), version_file)
        new = stands == version_file
        existing = release if new else self._read(stands, release.version)
        if existing.digest != release.digest:
            raise StateError(
                f"release {release.version!r} is published with digest {existing.digest[:12]}; this one has"
                f" {release.digest[:12]}. A version is published once: choose the next one"
            )
        with contextlib.suppress(UnreachableError):  # the release stands, whatever points at it
            self._point(release.version)
        return new

    def _point(self, version: str) -> None:
        """Move the channel `latest` forward. A hint for readers outside; losing a race costs nothing."""
        current = self._backend.read_generation(self._latest)
        data, generation = current or (b"{}", None)
        if natural(version) > natural(json.loads(data).get("version", "")):
            self._backend.replace(self._latest, canonical({"version": version}), generation)

    def stats_path(self, version: str) -> str:
        """Where a release's `stats.duckdb` lies in the store."""
        return f"{self._root}/{version}/stats.duckdb"
