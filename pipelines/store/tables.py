"""Tables: what was taken in, as a list of buckets. One JSON document, created once, is the commit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.store.backend import Backend
from pipelines.store.blobs import Blob
from pipelines.store.commits import commit
from pipelines.store.documents import canonical, digest
from pipelines.threads import in_threads
from transforms.domain.errors import ConfigError, IntegrityError, StateError

MANIFESTS, LICENSES, OPT_OUTS = "manifests", "licenses", "opt-outs"
CONSENTS, ALIASES, SIGNALS, DETECTIONS = "consents", "aliases", "signals", "detections"
KINDS = (MANIFESTS, LICENSES, OPT_OUTS, CONSENTS, ALIASES, SIGNALS, DETECTIONS)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str, what: str) -> str:
    """``name``, if it can be part of a path on any store.

    Raises:
        ConfigError: it cannot.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise ConfigError(
            f"{what} {name!r}: use letters, digits, '.', '_' and '-', beginning with a letter or digit"
        )
    return name


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `2026.10.0` comes after `2026.9.0`: numbers compare as numbers."""
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"(\d+)", name) if p)


@dataclass(frozen=True)
class Table:
    """A snapshot of a manifest, licenses or detections; or a list of opt-outs, consents, aliases, signals.

    Attributes:
        kind: one of :data:`KINDS`.
        name: of the snapshot.
        date: ISO date on which it was received, which is the day on which the dataset knew it; empty for a
            manifest that states none.
        buckets: by home hash: the rows (manifests, licenses that name an owner).
        shards: by item hash: the item index (manifests), the rows (detections, licenses that name no owner).
        blobs: `entries`: the whole list (opt-outs, consents, aliases, signals).
        foreign: whether a manifest may have rows of other platforms than Flickr.
        turns: ISO dates later than ``date`` from which entries of a list begin or cease to count.
        counts: rows that reconcile: rows_read = rows + duplicates + quarantined.
        files: what was read: name, bytes, SHA-256.
        splits: for each split: its file, where it begins, and its quarantine.
        onto: the snapshot that this one adds to.
        unparsable: cells per column that could not be read and became null.
        dated: whether a row of a license snapshot has another day than the snapshot's.
        observed_on: ISO date of rows that state none, where it is not ``date``.
        observer: who looked, where it is not the dataset's own source.
        full: whether a license snapshot lists everything that was there, so that what it does not list was
            missing that day.
    """

    kind: str
    name: str
    date: str = ""
    buckets: Mapping[int, Blob] = field(default_factory=dict)
    shards: Mapping[int, Blob] = field(default_factory=dict)
    blobs: Mapping[str, Blob] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    files: tuple[Mapping[str, Any], ...] = ()
    splits: tuple[Mapping[str, Any], ...] = ()
    onto: str | None = None
    unparsable: Mapping[str, int] = field(default_factory=dict)
    dated: bool = False
    observed_on: str = ""
    observer: str = ""
    full: bool = False
    foreign: bool = False
    turns: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What the rows are, whatever files they came from and in whatever order."""
        return digest(
            {
                "kind": self.kind,
                "date": self.date,
                "buckets": {str(b): blob.digest for b, blob in self.buckets.items()},
                "shards": {str(s): blob.digest for s, blob in self.shards.items()},
                "blobs": {name: blob.digest for name, blob in self.blobs.items()},
                # Only where they are not the default, so that older tables have the digest that they had.
                **({"observed_on": self.observed_on} if self.observed_on else {}),
                **({"observer": self.observer} if self.observer else {}),
                **({"full": True} if self.full else {}),
            }
        )

    @property
    def path(self) -> str:
        """Where the document lies below its dataset."""
        return f"{self.kind}/{self.name}.json"

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "kind": self.kind,
            "name": self.name,
            "date": self.date,
            "digest": self.digest,
            "buckets": [[b, *blob.to_json()] for b, blob in sorted(self.buckets.items())],
            "shards": [[s, *blob.to_json()] for s, blob in sorted(self.shards.items())],
            "blobs": {name: blob.to_json() for name, blob in self.blobs.items()},
            "counts": dict(self.counts),
            "files": [dict(file) for file in self.files],
            "splits": [dict(split) for split in self.splits],
            "onto": self.onto,
            "unparsable": dict(self.unparsable),
            "dated": self.dated,
            "observed_on": self.observed_on,
            "observer": self.observer,
            "full": self.full,
            "foreign": self.foreign,
            "turns": list(self.turns),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any], place: str) -> Table:
        """What :meth:`to_json` wrote.

        Raises:
            IntegrityError: the document is not one, or its digest is not that of its buckets.
        """
        try:
            table = Table(
                kind=value["kind"],
                name=value["name"],
                date=value["date"],
                buckets={b: Blob.from_json(blob) for b, *blob in value["buckets"]},
                shards={s: Blob.from_json(blob) for s, *blob in value["shards"]},
                blobs={name: Blob.from_json(blob) for name, blob in value["blobs"].items()},
                counts=value["counts"],
                files=tuple(value["files"]),
                splits=tuple(value["splits"]),
                onto=value["onto"],
                unparsable=value["unparsable"],
                dated=value["dated"],
                # Documents of before there were such snapshots do not have them.
                observed_on=value.get("observed_on", ""),
                observer=value.get("observer", ""),
                full=value.get("full", False),
                foreign=value.get("foreign", value["kind"] == MANIFESTS),
                turns=tuple(value.get("turns", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise IntegrityError(f"{place}: not a table of byleave ({error!r})") from error
        if table.digest != value.get("digest"):
            raise IntegrityError(
                f"{place}: its buckets have digest {table.digest}, not {value.get('digest')}"
            )
        return table


def _read(document: bytes, path: str) -> Table:
    try:
        value = json.loads(document)
    except ValueError as error:
        raise IntegrityError(f"{path}: not JSON ({error})") from error
    return Table.from_json(value, path)


class Tables:
    """The tables of one dataset."""

    def __init__(self, backend: Backend, dataset_path: str) -> None:
        self._backend = backend
        self._root = dataset_path

    def names(self, kind: str) -> list[str]:
        """The snapshots of ``kind``, in natural order: dates and numbers ascend."""
        paths = self._backend.list(f"{self._root}/{kind}")
        return sorted((p.rsplit("/", 1)[1].removesuffix(".json") for p in paths), key=natural)

    def find(self, kind: str, name: str) -> Table | None:
        """The snapshot, or None."""
        path = f"{self._root}/{kind}/{name}.json"
        try:
            return _read(self._backend.read(path), path)
        except FileNotFoundError:
            return None

    def get(self, kind: str, name: str) -> Table:
        """The snapshot.

        Raises:
            StateError: there is none of this name.
        """
        table = self.find(kind, name)
        if table is None:
            there = ", ".join(self.names(kind)) or "none yet"
            raise StateError(f"{kind}: there is no {name!r} in {self._backend.url}. There is: {there}")
        return table

    def held(self, kind: str, stated: Mapping[str, Any], release: str) -> Table:
        """The snapshot that the release of version ``release`` states by name and digest.

        Raises:
            StateError: it is no longer there.
            IntegrityError: it is no longer what it was.
        """
        table = self.get(kind, stated["name"])
        if table.digest != stated["digest"]:
            raise IntegrityError(
                f"release {release!r} was made of {kind} {table.name!r} with digest {stated['digest'][:12]};"
                f" that in {self._backend.url} has {table.digest[:12]}. Restore it, or cut the next release"
            )
        return table

    def newest(self, kind: str, as_of: str | None = None) -> Table | None:
        """The last of :meth:`tips`; None if there is none."""
        return next(reversed(self.tips(kind, as_of)), None)

    def tips(self, kind: str, as_of: str | None = None) -> list[Table]:
        """The snapshots that no other one was made on top of, by name.

        With ``as_of`` snapshots that state a later day are not there.
        """
        tables = [table for table in self._read_all(kind) if as_of is None or table.date <= as_of]
        superseded = {table.onto for table in tables}
        return [table for table in tables if table.name not in superseded]

    def all(self, kind: str) -> list[Table]:
        """Every snapshot of ``kind``, by date, then by name."""
        return sorted(self._read_all(kind), key=lambda t: (t.date, natural(t.name)))

    def _read_all(self, kind: str) -> list[Table]:
        """Every snapshot of ``kind``, in natural order."""
        at_once = self._backend.reads_at_once
        return list(in_threads(lambda name: self.get(kind, name), self.names(kind), at_once))

    def commit(self, table: Table) -> None:
        """Make the snapshot visible; nothing changes if it is there already with the same rows.

        Raises:
            StateError: another snapshot has the name.
            CommitOutcomeUnknown: the store did not say whether the snapshot stands.
        """
        path = f"{self._root}/{table.path}"
        document = canonical(table.to_json())
        stands = commit(self._backend, path, document)
        existing = table if stands == document else _read(stands, path)
        if existing.digest != table.digest:
            raise StateError(
                f"{table.kind}: {table.name!r} is taken by other rows (digest {existing.digest[:12]}, not"
                f" {table.digest[:12]}). Snapshots are written once: choose another name"
            )
