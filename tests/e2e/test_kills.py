"""`kill -9` at any moment: nothing half-done is ever visible, and the next run goes on from there."""

from __future__ import annotations

import functools
import hashlib
import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from byhand import ByHand, Listing, listing
from separately import byleave, whole_way
from worlds import World, cut, new_store, take_in

from pipelines.ingest import ingest_manifest
from pipelines.store.memo import Result
from pipelines.store.store import Store, close_stores, open_store
from pipelines.store.tables import MANIFESTS

Copy = Callable[[Store], Store]
MOMENTS = 10


def manifest(store: Store, world: World) -> str:
    return ingest_manifest(store, world.manifest, fmt="yfcc100m", snapshot="2014-05", runner=ByHand()).digest


def check_nothing_is_half_done(store: Store) -> None:
    """What a reader can find is whole: every name, every document, every blob that one of them names."""
    root = Path(store.url)
    for file in (root / "blobs").rglob("*.*"):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name.split(".")[0]
    for file in (root / "memo").rglob("*"):
        if file.is_file():
            Result.from_json(json.loads(file.read_text()))
    for kind in (MANIFESTS, "licenses", "opt-outs"):
        for table in store.tables.all(kind):
            for blob in [*table.buckets.values(), *table.shards.values(), *table.blobs.values()]:
                store.blobs.verify(blob)
    for version in store.releases.versions():
        for parts in store.releases.get(version).parts.values():
            for blob in parts.values():
                store.blobs.verify(blob)


def memos(store: Store) -> Listing:
    return listing(Path(store.url), "memo")


def moments(steps: int, seed: int) -> list[int]:
    """Some of a run's steps on the disk, the first and the last among them."""
    return sorted({1, steps, *random.Random(seed).sample(range(2, steps), MOMENTS - 2)})


@functools.cache
def steps_of(url: str, world: Path, steps: str) -> int:
    """How many steps on the disk a run takes that nobody kills."""
    found = whole_way(url, world, steps)
    assert found.returncode == 0, found.stderr
    return int(found.stderr.split()[-1]) - 1


def kill_at(store: Store, world: World, steps: str, moment: int) -> None:
    found = whole_way(store.url, world.folder, steps, DIE_AT=str(moment))
    # A step fewer or more: which of two workers is first to make a folder is theirs to settle.
    if found.returncode != 0:
        assert found.returncode == -signal.SIGKILL, found.stderr


@pytest.mark.slow
def test_an_ingest_that_is_killed_goes_on_from_there(hamlet: World, tmp_path: Path) -> None:
    whole = new_store(tmp_path / "whole")
    digest = manifest(whole, hamlet)
    steps = steps_of(new_store(tmp_path / "counted").url, hamlet.folder, "manifest")
    killed = 0
    for moment in moments(steps, seed=17):
        store = new_store(tmp_path / f"killed at {moment}")
        kill_at(store, hamlet, "manifest", moment)
        check_nothing_is_half_done(store)
        killed += not store.tables.names(MANIFESTS)
        before = memos(store)
        assert before.keys() <= memos(whole).keys()
        assert manifest(store, hamlet) == digest
        after = memos(store)
        assert {name: after[name] for name in before} == before
        assert after.keys() == memos(whole).keys()
        check_nothing_is_half_done(store)
        store.backend.close()
        # Who has something to write sweeps what the dead run left.
        assert after.keys() == before.keys() or not list((Path(store.url) / "tmp").iterdir())
    assert killed >= MOMENTS - 3
    close_stores()


@pytest.mark.slow
def test_a_cut_that_is_killed_goes_on_from_there(full_hamlet: Store, hamlet: World, copy: Copy) -> None:
    whole, counted = copy(full_hamlet), copy(full_hamlet)
    digest = cut(whole).digest
    steps = steps_of(counted.url, hamlet.folder, "cut")
    killed = 0
    for moment in moments(steps, seed=23):
        store = copy(full_hamlet)
        kill_at(store, hamlet, "cut", moment)
        check_nothing_is_half_done(store)
        killed += not store.releases.versions()
        before = memos(store)
        assert cut(store).digest == digest
        after = memos(store)
        assert {name: after[name] for name in before} == before
        assert after.keys() == memos(whole).keys()
        assert store.releases.versions() == ["1"]
        check_nothing_is_half_done(store)
    assert killed >= MOMENTS - 3


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_says_one_line_and_the_same_command_goes_on(
    world: World, tmp_path: Path, workers: str
) -> None:
    store = new_store(tmp_path / "store")
    close_stores()
    command = ["ingest", "manifest", store.url, *world.manifest, "--format", "yfcc100m", "--snapshot", "a"]
    process = byleave(*command, "--workers", workers)
    deadline = time.monotonic() + 60
    partitioned = Path(store.url) / "memo" / "Partition"
    while not any(partitioned.glob("*/*.json")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    # The line feed before it ends the terminal's own line, where `^C` stands.
    assert (
        err.removeprefix("\n")
        == "byleave: interrupted. Nothing half-done is visible; the same command goes on from here\n"
    )

    store = open_store(store.url)
    assert store.tables.names(MANIFESTS) == []
    check_nothing_is_half_done(store)
    before = memos(store)
    assert before
    again = ingest_manifest(store, world.manifest, fmt="yfcc100m", snapshot="a", runner=ByHand())
    assert again.counts["rows"] == world.expected["items"]
    assert {name: stat for name, stat in memos(store).items() if name in before} == before
    close_stores()


def test_what_two_runs_make_at_once_is_made_once(hamlet: World, tmp_path: Path) -> None:
    """Two people press the button: both come to the same release, and neither breaks the other's."""
    store = take_in(new_store(tmp_path / "store"), hamlet)
    store.backend.close()
    command = ["release", "cut", store.url, "--policy", "research", "--version", "1", "--json"]
    runs = [byleave(*command), byleave(*command)]
    answers = []
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        answers.append(json.loads(out))
    assert {answer["digest"] for answer in answers} == {store.releases.get("1").digest}
    assert sorted(answer["new"] for answer in answers) == [False, True]
    check_nothing_is_half_done(store)
    close_stores()
