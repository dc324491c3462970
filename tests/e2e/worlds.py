"""Synthetic worlds with known answers, and the way from one to a release."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from byhand import ByHand

from pipelines import ingest, release
from pipelines.release_inputs import choose_inputs
from pipelines.runner import Runner
from pipelines.store.blobs import Blob
from pipelines.store.releases import Release
from pipelines.store.store import Dataset, Store, create_store
from transforms.domain.policy import Policy, parse_policy
from transforms.intake import Rules

BUCKETS = 16
POLICIES = Path(__file__).parents[2] / "configs" / "policies"


@dataclass(frozen=True)
class World:
    """What `byleave synth` made."""

    folder: Path

    @cached_property
    def expected(self) -> dict[str, Any]:
        answers: dict[str, Any] = json.loads((self.folder / "expected.json").read_text())
        return answers

    @property
    def manifest(self) -> list[str]:
        return sorted(str(path) for path in (self.folder / "manifest").iterdir())

    @property
    def licenses(self) -> dict[str, str]:
        """Each snapshot by its day."""
        return {path.stem: str(path) for path in sorted((self.folder / "licenses").iterdir())}

    @property
    def opt_outs(self) -> dict[str, str]:
        """Each list by its file's name, which begins with the day it came in."""
        return {path.name: str(path) for path in sorted((self.folder / "opt-outs").iterdir())}


def new_store(folder: Path, buckets: int = BUCKETS) -> Store:
    return create(str(folder), buckets)


def create(url: str, buckets: int = BUCKETS) -> Store:
    return create_store(url, Dataset("yfcc100m", "flickr", buckets))


def policy(name: str) -> Policy:
    return parse_policy((POLICIES / f"{name}.toml").read_text(), name)


def take_in(
    store: Store,
    world: World,
    runner: Runner | None = None,
    *,
    manifest: Sequence[str] = (),
    seed: int = 0,
    split_bytes: int = ingest.SPLIT_BYTES,
) -> Store:
    """All of a world; with a ``seed`` in another order."""
    runner = runner or ByHand()
    files = list(manifest or world.manifest)
    licenses, lists = list(world.licenses.items()), list(world.opt_outs.items())
    if seed:
        for each in (files, licenses, lists):
            random.Random(seed).shuffle(each)
    ingest.ingest_manifest(
        store,
        files,
        fmt="yfcc100m",
        snapshot="2014-05",
        runner=runner,
        split_bytes=split_bytes,
        max_quarantined_share=0.1,
    )
    for day, path in licenses:
        ingest.ingest_licenses(
            store, [path], fmt="canonical", observed_on=day, runner=runner, split_bytes=split_bytes
        )
    rules = Rules(only_items=True)  # the generator does not count hashes of contents
    for name, path in lists:
        ingest.ingest_opt_outs(store, [path], received_on=name[:10], runner=runner, rules=rules)
    return store


def cut(
    store: Store,
    name: str = "research",
    version: str = "1",
    *,
    as_of: str | None = None,
    runner: Runner | None = None,
    without_opt_outs: bool = False,
) -> Release:
    inputs = choose_inputs(store, as_of=as_of, without_opt_outs=without_opt_outs)
    published, _ = release.cut_release(store, inputs, policy(name), version, runner or ByHand())
    return published


def rows(store: Store, blobs: Iterable[Blob], schema: pa.Schema) -> pa.Table:
    """The rows of some blobs, end to end."""
    tables = [store.blobs.get_table(blob).cast(schema) for blob in blobs]
    return pa.concat_tables([schema.empty_table(), *tables])


def counted(column: pa.ChunkedArray) -> dict[str, int]:
    return {each["values"]: each["counts"] for each in column.value_counts().to_pylist()}


def new_memos(before: Iterable[str], after: Iterable[str]) -> dict[str, int]:
    """How many memos each stage has got, from the names of the files before and after."""
    found: dict[str, int] = {}
    for name in sorted({*after} - {*before}):
        if name.startswith("memo/"):
            stage = name.split("/")[1]
            found[stage] = found.get(stage, 0) + 1
    return found
