"""Adding files to a snapshot makes the snapshot of all files at once, at the cost of what they touch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from byhand import ByHand, listing
from worlds import World, new_memos, new_store

from pipelines.ingest import ingest_manifest
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import MANIFESTS, Table
from transforms.domain.errors import StateError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield new_store(tmp_path / "store")
    close_stores()


def manifest(store: Store, files: list[str], snapshot: str, onto: str | None = None) -> Table:
    return ingest_manifest(store, files, fmt="yfcc100m", snapshot=snapshot, onto=onto, runner=ByHand())


@pytest.mark.parametrize("parts", [[[0], [1, 2, 3]], [[3, 1], [0, 2]], [[2], [0], [3], [1]]])
def test_adding_files_makes_what_all_at_once_makes(
    store: Store, world: World, parts: list[list[int]]
) -> None:
    onto = None
    for number, part in enumerate(parts):
        table = manifest(store, [world.manifest[place] for place in part], f"part-{number}", onto)
        onto = table.name
    whole = manifest(store, world.manifest, "whole")
    assert dict(table.buckets) == dict(whole.buckets)
    assert dict(table.shards) == dict(whole.shards)
    assert table.digest == whole.digest
    assert table.counts == whole.counts
    assert {each["sha256"] for each in table.files} == {each["sha256"] for each in whole.files}
    assert len(whole.buckets) == 16


def test_only_the_buckets_that_are_touched_differ(store: Store, world: World, tmp_path: Path) -> None:
    before = manifest(store, world.manifest[:3], "before")
    seen = listing(Path(store.url))
    # One photo more, of an owner who has others; and one line that is there already.
    with open(world.manifest[0], encoding="utf-8") as file:
        line = file.readline()
    more = tmp_path / "more.tsv"
    more.write_text(line + "\t".join(["99", *line.split("\t")[1:]]), encoding="utf-8")
    after = manifest(store, [str(more)], "after", onto="before")
    assert [b for b in after.buckets if after.buckets[b] != before.buckets.get(b)] == [
        bucket for bucket, blob in after.buckets.items() if blob.rows == before.buckets[bucket].rows + 1
    ]
    assert after.counts == {
        "rows": before.counts["rows"] + 1,
        "rows_read": before.counts["rows_read"] + 2,
        "duplicates": before.counts["duplicates"] + 1,
        "quarantined": 0,
    }
    made = new_memos(seen, listing(Path(store.url)))
    assert (made["Partition"], made["Merge"]) == (1, 1)
    assert made["Index"] <= 2
    assert store.tables.get(MANIFESTS, "before") == before


def test_adding_a_file_twice_adds_duplicates(store: Store, world: World) -> None:
    before = manifest(store, world.manifest[:1], "a")
    after = manifest(store, world.manifest[:1], "b", onto="a")
    assert after.digest == before.digest
    assert after.counts["duplicates"] == before.counts["rows_read"] + before.counts["duplicates"]


def test_a_snapshot_of_the_same_files_is_the_same_and_of_others_is_refused(
    store: Store, world: World
) -> None:
    first = manifest(store, world.manifest[:2], "a")
    seen = listing(Path(store.url))
    assert manifest(store, world.manifest[1::-1], "a") == first
    assert listing(Path(store.url)) == seen
    with pytest.raises(StateError, match="made of other files"):
        manifest(store, world.manifest[:1], "a")
    with pytest.raises(StateError, match="There is: a"):
        manifest(store, world.manifest[:1], "b", onto="none")
    assert store.tables.names(MANIFESTS) == ["a"]


def test_nothing_that_only_carried_rows_stays(store: Store, world: World) -> None:
    manifest(store, world.manifest, "a")
    assert [name for name in listing(Path(store.url)) if name.endswith(".routed")] == []
