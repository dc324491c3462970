"""The same inputs come to the same release, whatever order, form, runner and machine they meet."""

from __future__ import annotations

import bz2
import gzip
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from byhand import ByHand
from separately import whole_way
from worlds import World, cut, new_store, take_in

from pipelines.runner import Runner
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import MANIFESTS


@pytest.fixture(scope="module")
def digest(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield cut(take_in(new_store(tmp_path_factory.mktemp("reference") / "store"), world)).digest
    close_stores()


@pytest.fixture(scope="module")
def hamlet_digest(hamlet: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield cut(take_in(new_store(tmp_path_factory.mktemp("reference") / "store"), hamlet)).digest
    close_stores()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield new_store(tmp_path / "store")
    close_stores()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("split_bytes", [1 << 26, 300_001, 1 << 18])
def test_files_in_any_order_and_any_splits(
    store: Store, world: World, digest: str, seed: int, split_bytes: int
) -> None:
    take_in(store, world, seed=seed, split_bytes=split_bytes)
    splits = len(store.tables.get(MANIFESTS, "2014-05").splits)
    assert (splits == 4) == (split_bytes == 1 << 26)
    assert cut(store).digest == digest


@pytest.mark.parametrize("workers", [1, 2])
def test_beam_with_any_workers(store: Store, world: World, digest: str, workers: int) -> None:
    runner = Runner(workers)
    take_in(store, world, runner, split_bytes=500_000)
    assert cut(store, runner=runner).digest == digest


def _in_members(data: bytes, pack: Callable[[bytes], bytes]) -> bytes:
    middle = data.index(b"\n", len(data) // 2) - 3
    return pack(data[:middle]) + pack(data[middle:])


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        (".gz", lambda data: gzip.compress(data, 1)),
        (".bz2", lambda data: bz2.compress(data, 1)),
        (".bz2", lambda data: _in_members(data, lambda part: bz2.compress(part, 1))),
        (".gz", lambda data: _in_members(data, lambda part: gzip.compress(part, 1))),
    ],
    ids=["gz", "bz2", "bz2 of several streams", "gz of several members"],
)
def test_files_packed_in_any_way(
    store: Store, world: World, digest: str, tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = []
    for path in map(Path, world.manifest):
        packed.append(tmp_path / (path.name + ending))
        packed[-1].write_bytes(pack(path.read_bytes()))
    assert cut(take_in(store, world, manifest=[str(path) for path in packed])).digest == digest


def test_lines_in_any_order_in_any_number_of_files(
    store: Store, world: World, digest: str, tmp_path: Path
) -> None:
    lines = [line for path in world.manifest for line in Path(path).read_bytes().splitlines(keepends=True)]
    random.Random(5).shuffle(lines)
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.tsv")
        files[-1].write_bytes(b"".join(lines[number::3]))
    assert cut(take_in(store, world, manifest=[str(file) for file in files])).digest == digest


def digest_of(store: Store, world: World, steps: str, *options: str, **environment: str) -> str:
    found = whole_way(store.url, world.folder, steps, *options, **environment)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_any_hash_seed(store: Store, hamlet: World, hamlet_digest: str, seed: str) -> None:
    assert digest_of(store, hamlet, "ingest,cut", PYTHONHASHSEED=seed) == hamlet_digest


@pytest.mark.slow
def test_beam_with_several_processes(store: Store, hamlet: World, hamlet_digest: str) -> None:
    options = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    digest_of(store, hamlet, "manifest", *options)
    take_in(store, hamlet)  # the manifest is there
    assert digest_of(store, hamlet, "cut", *options) == hamlet_digest


def test_another_number_of_buckets_keeps_the_same_items(tmp_path: Path, hamlet: World) -> None:
    """Buckets are part of what a release is, and never of what is in it."""
    found = {
        buckets: cut(take_in(new_store(tmp_path / str(buckets), buckets), hamlet, ByHand())).content["counts"]
        for buckets in (1, 4, 64)
    }
    close_stores()
    assert found[1] == found[4] == found[64]
