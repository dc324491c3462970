"""The drift benchmark's store is the one that ingest would make, and DuckDB's answers are counted right."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from byhand import ByHand

from benchmarks import drift, driftworld, results
from benchmarks.driftworld import CHANGED, SAME, DriftWorld
from benchmarks.history import DAYS, SEED, People, later_look, looks
from benchmarks.measure import Figures
from benchmarks.peers.duckdb_drift import ask
from benchmarks.release import copy_of
from benchmarks.results import Results
from pipelines import ingest
from pipelines.store.store import Dataset, Store, close_stores, create_store, open_store
from pipelines.store.tables import LICENSES, MANIFESTS
from transforms.domain.license_changes import compare

ROWS = 20_000
Dump = dict[int, tuple[str, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DriftWorld]:
    made = DriftWorld(ROWS, tmp_path_factory.mktemp("drift") / "world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driftworld, "WORKERS", 1)
        made.build()
    yield made
    close_stores()


@pytest.fixture(scope="module")
def dumps(world: DriftWorld) -> dict[str, Dump]:
    """By day and item: owner, license and visibility."""
    return {
        day: {
            item: said
            for item, *said in duckdb.execute(
                "select item_id, owner_id, license, visibility from read_parquet($files)",
                {"files": f"{world.raw(day)}/*.parquet"},
            ).fetchall()
        }
        for day in DAYS
    }


def _opened(world: DriftWorld) -> Store:
    return open_store(str(world.store))


def test_the_manifest_has_every_item_once_and_owners_at_home(world: DriftWorld) -> None:
    store = _opened(world)
    manifest = store.tables.newest(MANIFESTS)
    assert manifest is not None
    rows = [row for blob in manifest.buckets.values() for row in _ids(store, blob)]
    assert len(rows) == len({item for _, item in rows}) == ROWS
    assert 80 < len(rows) / len({owner for owner, _ in rows}) < 340


def _ids(store: Store, blob: object) -> list[tuple[str, str]]:
    table = store.blobs.get_table(blob, ["owner_id", "item_id"])  # type: ignore[arg-type]
    return list(zip(table["owner_id"].to_pylist(), table["item_id"].to_pylist(), strict=True))


def test_snapshots_are_those_that_ingest_makes_of_the_raw_files(world: DriftWorld, tmp_path: Path) -> None:
    made, taken_in = _opened(world), create_store(str(tmp_path), Dataset("yfcc100m", "flickr", 16))
    assert made.dataset == taken_in.dataset
    for day in DAYS:
        files = sorted(map(str, world.raw(day).iterdir()))
        ingest.ingest_licenses(taken_in, files, fmt="canonical", observed_on=day, full=True, runner=ByHand())
    pairs = zip(made.tables.all(LICENSES), taken_in.tables.all(LICENSES), strict=True)
    for ours, theirs in pairs:
        assert not theirs.shards
        assert ours.buckets.keys() == theirs.buckets.keys()
        for bucket in ours.buckets:
            mine, other = (
                store.blobs.get_table(table.buckets[bucket])
                for store, table in ((made, ours), (taken_in, theirs))
            )
            assert mine.equals(other), (ours.name, bucket)
        assert (ours.date, ours.full, ours.observer) == (theirs.date, theirs.full, theirs.observer)


def test_three_of_a_hundred_items_change_from_look_to_look(dumps: dict[str, Dump]) -> None:
    for before, after in itertools.pairwise(DAYS):
        changed = {item for item, said in dumps[before].items() if dumps[after].get(item) != said}
        assert 0.015 < len(changed) / ROWS < 0.05
        owners = {dumps[before][item][0] for item in changed}
        assert len(owners) < len(changed) / 2, "most change owner by owner"
        assert dumps[after].keys() < dumps[before].keys(), "some vanish, and none comes back"


@pytest.mark.parametrize("name", [SAME, CHANGED])
def test_a_fourth_look_is_taken_in_on_its_day(world: DriftWorld, tmp_path: Path, name: str) -> None:
    copy = copy_of(world.store, tmp_path / "copy")
    world.take_in_later(name, copy)
    *_, third, fourth = open_store(str(copy)).tables.all(LICENSES)
    assert fourth.date == driftworld.LATER_DAY > third.date
    if name == SAME:
        assert fourth.buckets == third.buckets


def test_a_fourth_look_changes_few_licenses_whole_owners_at_a_time() -> None:
    people = People(SEED, 1_000_000)
    item = np.arange(people.items)
    owner = people.owner_of(item)
    last = looks(people, item, owner)[-1]
    changed = later_look(people, last, owner).license != last.license
    assert 0.0001 < changed.mean() < 0.001
    assert not np.isin(owner[~changed], owner[changed]).any()


def test_by_hand_duckdb_counts_what_counting_by_hand_does(world: DriftWorld, dumps: dict[str, Dump]) -> None:
    before, after = dumps[DAYS[0]], dumps[DAYS[-1]]
    items: Counter[tuple[str, str]] = Counter()
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item, (owner, license_from, _) in before.items():
        pair = (license_from, after[item][1] if item in after else "unknown")
        items[pair] += 1
        owners[pair].add(owner)
    folders = str(world.raw(DAYS[0])), str(world.raw(DAYS[-1]))
    expected = sorted((*pair, items[pair], len(owners[pair])) for pair in items)
    assert ask("by-license", *folders, "500MB") == expected
    ways: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for pair in items:
        ways[compare(*pair)].add(pair)
    assert ask("by-direction", *folders) == sorted(
        (way, sum(items[p] for p in pairs), len(set().union(*(owners[p] for p in pairs))))
        for way, pairs in ways.items()
    )
    seen = Counter(license_id for _, license_id, _ in after.values())
    assert ask("as-of", *folders) == sorted(seen.items())


def test_what_fails_is_left_out_and_the_rest_is_measured(
    world: DriftWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers = []

    def only_the_first_ledger(*words: str, folder: Path | None = None) -> Figures:
        if words[0] == "licenses" and not ledgers:
            ledgers.append(words)
            return Figures(1, 1, 1)
        raise SystemExit("byleave\nended with 1\nnot today")

    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(drift, "byleave", only_the_first_ledger)
    measured = Results(ROWS)
    drift.compare(measured, world, 1, ["duckdb"])
    kept = results.read(tmp_path / "20k.jsonl")
    assert [(run.what, run.who) for run in kept] == [(run.what, run.who) for run in measured.runs]
    assert [run.who for run in kept] == ["byleave", *["duckdb", "duckdb in 2 GB"] * len(drift.QUESTIONS)]
    assert capsys.readouterr().out.count("byleave left out: not today") == 2 + len(drift.QUESTIONS)
    assert not (world.folder / "measured").exists()


def test_another_answer_is_found_out(
    world: DriftWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"direction": "same", "items": 1, "owners": 1}]
    wrong = Figures(1, 1, 1, printed=json.dumps({"rows": rows}))
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(drift, "byleave", lambda *words, folder=None: wrong)
    with pytest.raises(SystemExit, match="by direction: byleave says\n.*'same', 1, 1.*\nduckdb says"):
        drift.compare(Results(ROWS), world, 1, ["duckdb"])
