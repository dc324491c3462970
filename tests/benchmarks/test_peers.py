"""DuckDB's release is byleave's, and a release that is another one is found out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from byhand import ByHand

from benchmarks.equal import Files, differing, released_by_byleave, released_by_peer
from benchmarks.peers.duckdb_release import Release
from benchmarks.peers.release_inputs import POLICY
from pipelines import ingest, release
from pipelines.release_inputs import choose_inputs
from pipelines.store.store import Dataset, close_stores, create_store
from pipelines.synth import synthesize
from transforms.domain.policy import parse_policy


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store in which the release of a small world is cut."""
    folder = tmp_path_factory.mktemp("peers")
    world, runner = folder / "world", ByHand()
    synthesize(world, rows=20_000, seed=4, workers=1, files=1)
    opened = create_store(str(folder / "store"), Dataset("yfcc100m", "flickr", 16))
    files = sorted(str(file) for file in (world / "manifest").iterdir())
    ingest.ingest_manifest(opened, files, fmt="yfcc100m", snapshot="a", runner=runner)
    for file in sorted((world / "licenses").iterdir()):
        ingest.ingest_licenses(opened, [str(file)], fmt="canonical", observed_on=file.stem, runner=runner)
    for file in sorted((world / "opt-outs").iterdir()):
        ingest.ingest_opt_outs(opened, [str(file)], received_on=file.name[:10], runner=runner)
    policy = POLICY.read_text()
    inputs = choose_inputs(opened, as_of=None)
    release.cut_release(opened, inputs, parse_policy(policy, "benchmark"), "1", runner)
    yield opened.url
    close_stores()


@pytest.fixture(scope="module")
def whole(store: str, tmp_path_factory: pytest.TempPathFactory) -> Files:
    out = tmp_path_factory.mktemp("duckdb") / "out"
    Release(store, out).whole()
    return released_by_peer(out)


def test_duckdb_cuts_the_whole_release(store: str, whole: Files) -> None:
    assert set(whole) == {"items", "excluded", "tallies", "exclusions"}
    assert differing(released_by_byleave(store, "1"), whole) == []


def test_duckdb_cuts_the_kept_rows_alone(store: str, tmp_path: Path) -> None:
    Release(store, tmp_path / "out").kept()
    kept = released_by_peer(tmp_path / "out")
    assert set(kept) == {"items"}
    assert differing(released_by_byleave(store, "1"), kept) == []


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("items", "select * from part limit 100"),
        ("items", "select * replace (license_then as license_now) from part"),
        ("excluded", "select * replace (reasons | 512 as reasons) from part"),
        ("tallies", "select * replace (items + 1 as items) from part"),
        ("exclusions", "select * replace (if(reason = 'deleted', owners - 1, owners) as owners) from part"),
    ],
)
def test_another_release_is_found_out(
    store: str, whole: Files, tmp_path: Path, part: str, change: str
) -> None:
    other = str(tmp_path / "other.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"create view part as from read_parquet({whole[part]})")
        connection.execute(f"copy ({change}) to '{other}'")
    faults = differing(released_by_byleave(store, "1"), {**whole, part: [other]})
    assert [fault.split(":")[0] for fault in faults] == [part]
