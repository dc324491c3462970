"""`kill -9` at any moment: nothing half-done is ever visible, and the next run goes on from there."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from byhand import ByHand
from places import PLACES, Folders, Place, contents
from separately import byleave, whole_way
from worlds import World, cut, take_in

from pipelines.ingest import ingest_manifest
from pipelines.store.memo import Result
from pipelines.store.store import Store, close_stores, open_store
from pipelines.store.tables import MANIFESTS

MOMENTS = {"local": 10, "gcs": 5}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    yield PLACES[request.param](request)
    close_stores()


def manifest(store: Store, world: World) -> str:
    return ingest_manifest(store, world.manifest, fmt="yfcc100m", snapshot="2014-05", runner=ByHand()).digest


def check_nothing_is_half_done(place: Place, store: Store) -> None:
    """What a reader can find is whole: every name, every document, every blob that one of them names."""
    for path, data in contents(place, store, "blobs"):
        assert hashlib.sha256(data).hexdigest() == PurePosixPath(path).name.split(".")[0]
    for _, data in contents(place, store, "memo"):
        Result.from_json(json.loads(data))
    for kind in (MANIFESTS, "licenses", "opt-outs"):
        for table in store.tables.all(kind):
            for blob in [*table.buckets.values(), *table.shards.values(), *table.blobs.values()]:
                store.blobs.verify(blob)
    for version in store.releases.versions():
        for parts in store.releases.get(version).parts.values():
            for blob in parts.values():
                store.blobs.verify(blob)


def moments(steps: int, seed: int, count: int) -> list[int]:
    """Some of a run's steps, the first and the last among them."""
    return sorted({1, steps, *random.Random(seed).sample(range(2, steps), count - 2)})


def steps_of(url: str, world: Path, steps: str) -> int:
    """How many steps a run takes that nobody kills."""
    found = whole_way(url, world, steps)
    assert found.returncode == 0, found.stderr
    return int(found.stderr.split()[-1]) - 1


def kill_at(store: Store, world: World, steps: str, moment: int) -> None:
    found = whole_way(store.url, world.folder, steps, DIE_AT=str(moment))
    # A step fewer or more: which of two workers is first to make a folder is theirs to settle.
    if found.returncode != 0:
        assert found.returncode == -signal.SIGKILL, found.stderr


@pytest.mark.slow
def test_an_ingest_that_is_killed_goes_on_from_there(hamlet: World, place: Place) -> None:
    whole = place.new_store()
    digest = manifest(whole, hamlet)
    steps = steps_of(place.new_store().url, hamlet.folder, "manifest")
    killed, tries = 0, MOMENTS[place.name]
    for moment in moments(steps, seed=17, count=tries):
        store = place.new_store()
        kill_at(store, hamlet, "manifest", moment)
        check_nothing_is_half_done(place, store)
        killed += not store.tables.names(MANIFESTS)
        before = place.objects(store, "memo")
        assert before.keys() <= place.objects(whole, "memo").keys()
        assert manifest(store, hamlet) == digest
        after = place.objects(store, "memo")
        assert {name: after[name] for name in before} == before
        assert after.keys() == place.objects(whole, "memo").keys()
        check_nothing_is_half_done(place, store)
        store.backend.close()
        # Who has something to write sweeps what the dead run left. The few bytes of its probe may stay: they
        # could be those of a run that is alive, which would take this for a place that loses objects.
        left = [path for path in place.objects(store, "tmp") if "/probe-" not in path]
        assert after.keys() == before.keys() or not left
    assert killed >= tries - 3


@pytest.mark.slow
def test_a_cut_that_is_killed_goes_on_from_there(full_hamlet: Store, hamlet: World, place: Place) -> None:
    whole, counted = place.copy(full_hamlet), place.copy(full_hamlet)
    digest = cut(whole).digest
    steps = steps_of(counted.url, hamlet.folder, "cut")
    killed, tries = 0, MOMENTS[place.name]
    for moment in moments(steps, seed=23, count=tries):
        store = place.copy(full_hamlet)
        kill_at(store, hamlet, "cut", moment)
        check_nothing_is_half_done(place, store)
        killed += not store.releases.versions()
        before = place.objects(store, "memo")
        assert cut(store).digest == digest
        after = place.objects(store, "memo")
        assert {name: after[name] for name in before} == before
        assert after.keys() == place.objects(whole, "memo").keys()
        assert store.releases.versions() == ["1"]
        check_nothing_is_half_done(place, store)
    assert killed >= tries - 3


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_says_one_line_and_the_same_command_goes_on(
    world: World, tmp_path: Path, workers: str
) -> None:
    place = Folders(tmp_path)
    store = place.new_store()
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
    check_nothing_is_half_done(place, store)
    before = place.objects(store, "memo")
    assert before
    again = ingest_manifest(store, world.manifest, fmt="yfcc100m", snapshot="a", runner=ByHand())
    assert again.counts["rows"] == world.expected["items"]
    after = place.objects(store, "memo")
    assert {name: after[name] for name in before} == before
    close_stores()


def test_what_two_runs_make_at_once_is_made_once(hamlet: World, place: Place) -> None:
    """Two people press the button: both come to the same release, and neither breaks the other's."""
    store = take_in(place.new_store(), hamlet)
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
    check_nothing_is_half_done(place, store)
