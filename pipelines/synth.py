"""Writes a synthetic world to a folder: manifest, license snapshots, opt-out lists, and their known answers.

::

    OUT/manifest/part-00000.tsv ...      `.gz`, `.bz2`: one member a piece, end to end
    OUT/licenses/2025-06-01.parquet ...  OUT/opt-outs/2025-06-10.txt ...
    OUT/leave/opt-outs.csv ...           for some purposes, by alias, withdrawn; consents, detections
    OUT/expected.json                    written last: where it is, the rest is whole

A world that is too large for the disk is made in slices: a slice has some of the manifest's files, license
snapshots, detections and consents of as many items, the opt-out lists, which are whole, and the answers,
which are of the whole world.

The world is made in pieces of fixed size, each a pure function of the recipe and the piece's place.
Processes make them in any order and one writer lays them down in order, so that the bytes do not depend on
``workers``; memory is bounded by the few pieces under way.
"""

from __future__ import annotations

import bz2
import concurrent.futures
import contextlib
import dataclasses
import functools
import gzip
import itertools
import json
import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.domain.errors import ConfigError
from transforms.synth.damage import broken_among, faults, with_broken
from transforms.synth.history import SNAPSHOT_SCHEMA, SNAPSHOTS, snapshot_rows
from transforms.synth.leave import CONSENTS, DETECTIONS, HEADERS, Leave, item_bytes, leave_of, request_bytes
from transforms.synth.optouts import OptOutList, opt_out_bytes, opt_out_lists
from transforms.synth.population import MOST_ROWS, Population
from transforms.synth.truth import Counts, answers, tally
from transforms.synth.yfcc100m import COLUMNS, line_bytes, yfcc100m_lines

FORMATS = ("yfcc100m",)
COMPRESSIONS = ("", "gz", "bz2")
_PIECE_ROWS = 32768


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that the bytes depend on. Every fault is reported at once.

    Raises:
        ConfigError: a number is out of range, or a name is not one of those known.
    """

    rows: int
    seed: int
    fmt: str = "yfcc100m"
    columns: int = 23
    files: int = 4
    bad_rows: int = 0
    compress: str = ""
    slice: tuple[int, int] = (1, 1)  # which of how many

    def __post_init__(self) -> None:
        number, slices = self.slice
        wrong = [
            message
            for holds, message in (
                (1 <= self.rows <= MOST_ROWS, f"rows is {self.rows:,}: take 1 to {MOST_ROWS:,}"),
                (self.fmt in FORMATS, f"format is {self.fmt!r}: take one of {', '.join(FORMATS)}"),
                (self.columns in COLUMNS, f"columns is {self.columns}: YFCC100M has 23, its later form 25"),
                (self.files >= 1, f"files is {self.files}: take 1 or more"),
                (0 <= self.bad_rows <= MOST_ROWS, f"bad rows is {self.bad_rows:,}: take 0 to {MOST_ROWS:,}"),
                (self.compress in COMPRESSIONS, f"compress is {self.compress!r}: take gz, bz2 or nothing"),
                (
                    1 <= number <= slices <= max(1, min(self.files, self.rows)),
                    f"slice is {number}/{slices}: take one from 1/N to N/N, N being no more than the files",
                ),
            )
            if not holds
        ]
        if wrong:
            raise ConfigError("no such synthetic manifest can be made:\n  " + "\n  ".join(wrong))


@dataclasses.dataclass(frozen=True)
class _Piece:
    """A range of a file's lines and a like share of the items: what one process makes at once."""

    file: int
    lines: tuple[int, int]
    items: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class _Made:
    piece: _Piece
    text: bytes | memoryview
    snapshots: list[pa.RecordBatch]
    leave: dict[str, bytes]
    counts: Counts


@functools.lru_cache(maxsize=1)
def _world(recipe: Recipe) -> tuple[Population, list[OptOutList], Leave]:
    people = Population(recipe.seed, recipe.rows)
    lists = opt_out_lists(people)
    return people, lists, leave_of(people, lists)


def _pieces(recipe: Recipe) -> Iterator[_Piece]:
    rows, items = recipe.rows, Population(recipe.seed, recipe.rows).items
    files = min(recipe.files, rows)  # an empty file is no manifest
    for file in range(files):
        low, high = rows * file // files, rows * (file + 1) // files
        for start, stop in itertools.pairwise([*range(low, high, _PIECE_ROWS), high]):
            yield _Piece(file, (start, stop), (items * start // rows, items * stop // rows))


def _in_slice(recipe: Recipe, file: int) -> bool:
    number, slices = recipe.slice
    files = min(recipe.files, recipe.rows)
    return files * (number - 1) // slices <= file < files * number // slices


def _make(recipe: Recipe, piece: _Piece) -> _Made:
    people, lists, leave = _world(recipe)
    counts = tally(people, *piece.items, lists, leave)
    if not _in_slice(recipe, piece.file):
        return _Made(piece, b"", [], {}, counts)
    lines = yfcc100m_lines(people, *piece.lines, recipe.columns)
    numbers, before = broken_among(people, recipe.bad_rows, *piece.lines)
    if len(numbers):
        lines = with_broken(lines, numbers, before - piece.lines[0], recipe.columns)
    text: bytes | memoryview = line_bytes(lines)
    if recipe.compress == "gz":
        text = gzip.compress(text, compresslevel=6, mtime=0)
    elif recipe.compress == "bz2":
        text = bz2.compress(text)
    snapshots = [snapshot_rows(people, *piece.items, place) for place in range(len(SNAPSHOTS))]
    return _Made(piece, text, snapshots, item_bytes(people, *piece.items), counts)


def _make_to_send(recipe: Recipe, piece: _Piece) -> _Made:
    made = _make(recipe, piece)
    return dataclasses.replace(made, text=bytes(made.text))


def _made(recipe: Recipe, workers: int) -> Iterator[_Made]:
    """Every piece, in order; with several workers a few are made ahead."""
    if workers == 1:
        yield from (_make(recipe, piece) for piece in _pieces(recipe))
        return
    # Not forked: Arrow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        ahead: deque[concurrent.futures.Future[_Made]] = deque()
        try:
            for piece in _pieces(recipe):
                ahead.append(pool.submit(_make_to_send, recipe, piece))
                if len(ahead) > 2 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def synthesize(
    out: Path,
    *,
    rows: int,
    seed: int,
    fmt: str = "yfcc100m",
    files: int = 4,
    workers: int,
    bad_rows: int = 0,
    compress: str = "",
    columns: int = 23,
    slice: tuple[int, int] = (1, 1),  # noqa: A002
    report: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """The content of ``out/expected.json``, after everything is written under ``out``.

    Args:
        out: a folder that is empty or does not exist.
        rows: readable lines of the manifest, exact repeats included.
        seed: names one of the synthetic worlds.
        fmt: the manifest's format.
        files: how many files the manifest is cut into; no more than it has rows.
        workers: processes that make pieces; the bytes do not depend on it.
        bad_rows: broken lines, in addition to ``rows``.
        compress: ``gz``, ``bz2`` or nothing, for the manifest.
        columns: 23, or 25 for YFCC100M's later form.
        slice: which of how many slices is made, counted from 1; all of them together are the whole.
        report: is told the lines written so far.

    Raises:
        ConfigError: an argument is out of range, or ``out`` holds something already.
    """
    recipe = Recipe(rows, seed, fmt, columns, files, bad_rows, compress, slice)
    if workers < 1:
        raise ConfigError(f"workers is {workers}: take 1 or more")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is not an empty folder: take another, or empty it first")
    for folder in ("manifest", "licenses", "opt-outs", "leave"):
        (out / folder).mkdir(parents=True, exist_ok=True)

    counts: Counts = Counter()
    with contextlib.ExitStack() as doors:
        snapshots = [
            doors.enter_context(
                pq.ParquetWriter(out / "licenses" / f"{date}.parquet", SNAPSHOT_SCHEMA, compression="zstd")
            )
            for date in SNAPSHOTS
        ]
        said = {
            name: doors.enter_context((out / "leave" / name).open("xb")) for name in (CONSENTS, DETECTIONS)
        }
        for name, lines in said.items():
            lines.write(HEADERS[name].encode())
        for file, made_pieces in itertools.groupby(_made(recipe, workers), lambda made: made.piece.file):
            with _manifest_file(out, recipe, file) as manifest:
                for made in made_pieces:
                    manifest.write(made.text)
                    for writer, batch in zip(snapshots, made.snapshots, strict=bool(made.snapshots)):
                        writer.write_batch(batch)
                    for name, some in made.leave.items():
                        said[name].write(some)
                    counts.update(made.counts)
                    if report is not None:
                        report(made.piece.lines[1])

    people, lists, leave = _world(recipe)
    for name, request in request_bytes(people, leave).items():
        (out / "leave" / name).write_bytes(request)
    for each in lists:
        (out / "opt-outs" / each.name).write_bytes(opt_out_bytes(people, each))
    expected = answers(people, counts, lists, faults(bad_rows))
    (out / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")
    return expected


def _manifest_file(out: Path, recipe: Recipe, file: int) -> BinaryIO:
    if not _in_slice(recipe, file):
        return Path(os.devnull).open("wb")
    ending = f".{recipe.compress}" if recipe.compress else ""
    return (out / "manifest" / f"part-{file:05d}.tsv{ending}").open("xb")
