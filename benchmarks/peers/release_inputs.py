"""What every peer's release reads and decides by: a store's own Parquet blobs, and the allowed licenses.

Peers are told more than byleave knows, wherever that makes them faster: that ids are of one platform, so
that they join on the item's id alone; that a snapshot says one thing of an item; that nobody named anything
but owners and items, for every purpose, and nobody took it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.store.blobs import Blob
from pipelines.store.store import open_store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS
from transforms.domain.license_changes import compare
from transforms.domain.licenses import ALL_RIGHTS_RESERVED, UNKNOWN
from transforms.domain.policy import parse_policy
from transforms.domain.reasons import BIT, REASONS

POLICY = Path(__file__).parents[1] / "policy.toml"

NOCV = r"(?i)^[ _-]*n[ _-]*o[ _-]*c[ _-]*v[ _-]*$"
"""A tag that says no, in any spelling of ASCII: what byleave's normal form of tags (NFKD) does, and less."""

OTHERS = ("aliases", "names", "urls", "hosts", "contents", "tags", "held", "withdrawn")

NEVER_WITHDRAWN = (UNKNOWN, ALL_RIGHTS_RESERVED)
"""Licenses from which nothing can be withdrawn."""

VISIBILITY_REASONS = {
    "deleted": BIT["deleted"],
    "private": BIT["private"],
    "unknown": BIT["visibility_unknown"],
}


@dataclass(frozen=True)
class ReleaseInputs:
    """Files of the newest manifest, of each license snapshot, the newest first, and of the opt-out lists."""

    source: str
    manifest: list[str]
    snapshots: list[list[str]]
    opt_outs: list[str]
    allowed: list[str]


def manifest_files(url: str) -> list[str]:
    """The Parquet files of the newest manifest in the store at ``url``."""
    store = open_store(url)
    manifest = store.tables.newest(MANIFESTS)
    return [str(Path(store.url) / blob.path) for blob in manifest.buckets.values()] if manifest else []


def release_inputs(url: str) -> ReleaseInputs:
    """The files that ``byleave release cut`` by :data:`POLICY` would read in the store at ``url``.

    Raises:
        SystemExit: a list names anything else, which the peers do not look for.
    """
    store = open_store(url)
    manifest = store.tables.newest(MANIFESTS)
    lists = store.tables.all(OPT_OUTS)
    if manifest is None or any(each.counts[kind] for each in lists for kind in OTHERS):
        raise SystemExit(f"{url}: peers need a manifest, and opt-outs of owners and items only")

    def files(blobs: Iterable[Blob]) -> list[str]:
        return [str(Path(store.url) / blob.path) for blob in blobs]

    policy = POLICY.read_text(encoding="utf-8")
    snapshots = sorted(store.tables.all(LICENSES), key=lambda table: table.date, reverse=True)
    return ReleaseInputs(
        source=store.dataset.source,
        manifest=files(manifest.buckets.values()),
        snapshots=[files([*table.buckets.values(), *table.shards.values()]) for table in snapshots],
        opt_outs=files(table.blobs["entries"] for table in lists),
        allowed=list(parse_policy(policy, str(POLICY)).allowed),
    )


def directions(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Each distinct pair of licenses, then and now, with what the change means."""
    return [(then, now, compare(then, now)) for then, now in sorted(set(pairs))]


def first_reasons() -> list[tuple[int, str]]:
    """The lowest bit of a set of reasons, and the name of that reason."""
    return [(BIT[reason], reason) for reason in REASONS]
