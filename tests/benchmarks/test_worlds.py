"""The input of the last night: new items of a few owners, in the manifest's own form."""

from __future__ import annotations

from pathlib import Path

from benchmarks.worlds import World, _write_new_items, buckets_for
from pipelines.synth import synthesize


def test_new_items_are_lines_of_few_owners_with_ids_of_their_own(tmp_path: Path) -> None:
    synthesize(tmp_path / "world", rows=20_000, seed=3, workers=1, files=1)
    manifest = tmp_path / "world" / "manifest" / "part-00000.tsv"
    _write_new_items(str(manifest), 60, tmp_path / "new.tsv")
    old = [line.split(b"\t") for line in manifest.read_bytes().splitlines()]
    new = [line.split(b"\t") for line in (tmp_path / "new.tsv").read_bytes().splitlines()]
    assert len(new) == len({line[0] for line in new}) == 60
    assert not {line[0] for line in old} & {line[0] for line in new}
    assert {len(line) for line in new} == {23}
    assert {b"\t".join(line[1:]) for line in new} <= {b"\t".join(line[1:]) for line in old}
    assert len({line[1] for line in new}) == 20


def test_slices_lie_side_by_side_and_a_whole_world_in_its_folder() -> None:
    assert World(10, Path("w")).slice_folder(1) == Path("w")
    halves = World(10, Path("w"), 2)
    assert halves.snapshot("d") == ["w/1-of-2/licenses/d.parquet", "w/2-of-2/licenses/d.parquet"]


def test_buckets_grow_with_the_rows() -> None:
    assert [buckets_for(rows) for rows in (10, 1_000_000, 10_000_000, 100_000_000)] == [16, 16, 128, 1024]
