"""A list has a name made of its content, and no list is taken for another."""

from __future__ import annotations

from pathlib import Path

from byhand import ByHand

from pipelines.ingest import ingest_opt_outs
from pipelines.store.store import Dataset, Store, create_store
from pipelines.store.tables import OPT_OUTS, Table

DAY = "2026-11-10"


def take_in(store: Store, folder: Path, line: str) -> Table:
    (folder / "list.txt").write_text(f"{line}\n")
    return ingest_opt_outs(store, [str(folder / "list.txt")], received_on=DAY, runner=ByHand())


def keys_of(store: Store) -> list[str]:
    blobs = [table.blobs["entries"] for table in store.tables.all(OPT_OUTS)]
    return sorted(key for blob in blobs for key in store.blobs.get_table(blob, ["key"])["key"].to_pylist())


def test_two_lists_whose_digests_begin_alike_are_two(tmp_path: Path) -> None:
    elsewhere = create_store(str(tmp_path / "elsewhere"), Dataset("d", "flickr", 4))
    other = take_in(elsewhere, tmp_path, "2")
    store = create_store(str(tmp_path / "store"), Dataset("d", "flickr", 4))
    first = take_in(store, tmp_path, "1")
    # As if the first digits of its digest were those of the other.
    alike = Table(OPT_OUTS, other.name, first.date, blobs=first.blobs, counts=first.counts, files=first.files)
    store.tables.commit(alike)
    second = take_in(store, tmp_path, "2")
    assert second.name == f"{DAY}-{second.blobs['entries'].digest}"
    assert take_in(store, tmp_path, "2") == second
    assert keys_of(store) == ["1", "1", "2"]
