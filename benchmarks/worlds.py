"""The inputs: a synthetic world of some number of rows, made once, and a store that took it in.

100M rows of TSV are 53 GB. With ``slices`` the world is made slice by slice: each is taken in on top of the
one before, and its TSV deleted. License snapshots and opt-out lists stay, as does a small TSV of new items.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.measure import Figures, measure

BYLEAVE = (sys.executable, "-m", "pipelines.cli")
SEED = 1
SNAPSHOTS = ("2025-06-01", "2026-11-01")
_FILES = 4
_NEW_ITEMS_OF_OWNERS = 20


def byleave(*words: str, folder: Path | None = None) -> Figures:
    """Run a command of byleave."""
    return measure([*BYLEAVE, *words], folder)


def buckets_for(rows: int) -> int:
    """How many buckets suit so many rows: about 100,000 rows in each, 1,024 for 100M."""
    return max(16, 1 << (rows // 100_000).bit_length())


@dataclass(frozen=True)
class World:
    """A synthetic world below a folder. ``slices`` above 1: its manifest is made and deleted in so many."""

    rows: int
    folder: Path
    slices: int = 1

    def slice_folder(self, number: int) -> Path:
        """Where slice ``number``, from 1, lies."""
        return self.folder if self.slices == 1 else self.folder / f"{number}-of-{self.slices}"

    def make(self, number: int, compress: str = "") -> list[str]:
        """The manifest's files of a slice, made if they are not there; plain, `gz` or `bz2`."""
        folder = self.slice_folder(number)
        if not (folder / "expected.json").exists() or not list((folder / "manifest").iterdir()):
            shutil.rmtree(folder, ignore_errors=True)
            words = ["--rows", str(self.rows), "--seed", str(SEED), "--files", str(_FILES * self.slices)]
            words += ["--compress", compress]
            if self.slices > 1:
                words += ["--slice", f"{number}/{self.slices}"]
            byleave("synth", str(folder), *words)
        files = sorted(str(file) for file in (folder / "manifest").iterdir())
        if number == 1 and not compress and not self.new_items.exists():
            _write_new_items(files[0], self.rows // 1000, self.new_items)
        return files

    def delete_manifest(self, number: int) -> None:
        """Make room for the next slice. A world of one slice stays."""
        if self.slices > 1:
            for file in (self.slice_folder(number) / "manifest").iterdir():
                file.unlink()

    @property
    def new_items(self) -> Path:
        """0.1 % new items of few owners, as a manifest."""
        return self.folder.with_name(f"{self.folder.name}-new-items.tsv")

    def snapshot(self, day: str) -> list[str]:
        """The files of a license snapshot."""
        folders = [self.slice_folder(number) for number in range(1, self.slices + 1)]
        return [str(folder / "licenses" / f"{day}.parquet") for folder in folders]

    def opt_outs(self) -> list[Path]:
        """The opt-out lists, by the day on which they came."""
        return sorted((self.slice_folder(1) / "opt-outs").iterdir())


def create(world: World, store: Path) -> None:
    """An empty store for ``world``."""
    shutil.rmtree(store, ignore_errors=True)
    byleave("init", str(store), "--dataset", "yfcc100m", "--buckets", str(buckets_for(world.rows)))


def ingest_manifest(store: Path, files: list[str], number: int = 1) -> Figures:
    """Take in slice ``number`` of a manifest."""
    onto = ["--onto", f"slice-{number - 1}"] if number > 1 else []
    words = ["--format", "yfcc100m", "--snapshot", f"slice-{number}", *onto]
    return byleave("ingest", "manifest", str(store), *files, *words, folder=store)


def ingest_the_rest(world: World, store: Path) -> Iterator[tuple[str, Figures]]:
    """Take in license snapshots and opt-out lists; what each cost, by name."""
    for day in SNAPSHOTS:
        words = ("licenses", str(store), *world.snapshot(day), "--observed-on", day)
        yield f"licenses {day}", byleave("ingest", *words, folder=store)
    for file in world.opt_outs():
        words = ("opt-outs", str(store), str(file), "--received-on", file.name[:10])
        yield f"opt-outs {file.name}", byleave("ingest", *words, folder=store)


def _write_new_items(manifest: str, count: int, out: Path) -> None:
    """``count`` lines of a few owners of ``manifest``, with ids that nothing else has."""
    each = -(-count // _NEW_ITEMS_OF_OWNERS)
    options = "delim='\t', header=false, quote='', escape='', all_varchar=true, strict_mode=false"
    lines = f"read_csv('{manifest}', {options})"
    columns = ", ".join(f"column{place:02d}" for place in range(1, 23))
    duckdb.execute("set enable_progress_bar = false")
    duckdb.execute(f"""
        copy (
            with owners as (
                select column01 from {lines} group by column01 having count(*) >= 10
                order by md5(column01) limit {_NEW_ITEMS_OF_OWNERS}
            ), theirs as (
                select *, row_number() over (partition by column01 order by column00) as place
                from {lines} semi join owners using (column01)
            )
            select '8' || lpad((row_number() over ())::varchar, 17, '0') as column00, {columns}
            from theirs, range(0, {each}, 10) t(turn) where place <= 10 and turn + place <= {each}
            order by column01, turn, place limit {count}
        ) to '{out}' (format csv, delimiter '\t', header false, quote '', escape '')""")
