"""A store in a bucket is the same store, whatever the weather; and what it costs in requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from byhand import ByHand
from places import Buckets
from support.cloud import Cloud
from support.counts import Counts
from support.weather import STORM, Weather
from worlds import World, create, cut, new_store, take_in

from pipelines.runner import Runner
from pipelines.store import parquet
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS

# The day before the last opt-outs: a second release of everything differs from the first in some buckets.
EARLIER = "2025-06-30"

# Requests for each bucket more that holds rows. There are 32.3, 64.1 and 12.1 of them, counted on this world
# with 16 and 64 buckets; another look at each memo would be too much.
AT_MOST = {"taking in": 36, "a release": 68, "unchanged": 13}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_stores()


def digests(store: Store, world: World, runner: Runner) -> list[str]:
    """Of everything that is taken in, and of two releases."""
    take_in(store, world, runner)
    first = cut(store, version="1", as_of=EARLIER, runner=runner)
    second = cut(store, version="2", runner=runner)
    tables = [table.digest for kind in (MANIFESTS, LICENSES, OPT_OUTS) for table in store.tables.all(kind)]
    assert first.digest != second.digest
    return [*tables, first.digest, second.digest]


@pytest.fixture(scope="module")
def expected(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What a store in a folder comes to."""
    yield digests(new_store(tmp_path_factory.mktemp("reference") / "store"), world, ByHand())
    close_stores()


def test_a_bucket_comes_to_the_digests_of_a_folder(
    cloud: Cloud, weather: Weather, world: World, expected: list[str]
) -> None:
    assert digests(Buckets(cloud).new_store(), world, Runner(2)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_bad_weather_changes_no_digest(
    cloud: Cloud,
    weather: Weather,
    world: World,
    expected: list[str],
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One in ten requests fares badly, in each of the ways of a bad day."""
    monkeypatch.setenv("BYLEAVE_PATIENCE_SECONDS", "12")  # and so waits of tenths of seconds, not of seconds
    store = Buckets(cloud).new_store()
    before = weather.counts()
    weather.storm(0.1, seed)
    assert digests(store, world, Runner(2)) == expected
    counted = weather.counts() - before
    assert 0.07 < counted.faults.total() / counted.total() < 0.13
    assert counted.faults.keys() == {type(fault).__name__ for fault in STORM}


# --- What it costs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Costs:
    """The requests of taking everything in, of a release, and of another one with nothing changed.

    Attributes:
        buckets: those that hold rows. The others cost nothing.
    """

    buckets: int
    counts: dict[str, Counts]


def costs(cloud: Cloud, world: World, buckets: int, runner: Runner) -> Costs:
    store, weather = create(f"gs://{cloud.new_bucket()}/store", buckets), cloud.weather
    counts, before = {}, weather.counts()
    for name, version in (("taking in", ""), ("a release", "1"), ("unchanged", "2")):
        if version:
            cut(store, version=version, runner=runner)
        else:
            take_in(store, world, runner)
        counts[name] = weather.counts() - before
        before = weather.counts()
    filled = len(store.tables.get(MANIFESTS, "2014-05").buckets)
    close_stores()
    return Costs(filled, counts)


@pytest.mark.slow
def test_requests_grow_with_the_buckets_and_no_faster(
    cloud: Cloud, weather: Weather, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = (costs(cloud, world, buckets, ByHand()) for buckets in (16, 64))
    with capsys.disabled():
        print(
            f"\n{'requests':<12}" + "".join(f"{each.buckets:>6} buckets" for each in (few, many)) + "   each"
        )
        for name, most in AT_MOST.items():
            first, second = few.counts[name].total(), many.counts[name].total()
            each = (second - first) / (many.buckets - few.buckets)
            print(f"{name:<12}{first:>14}{second:>14}{each:>7.1f}")
            assert each < most
    for found in (few, many):
        unchanged = found.counts["unchanged"]
        assert unchanged.total("insert", "begin", "chunk", folder="memo") == 0
        assert unchanged.total("media", folder="blobs") <= 8
        assert found.counts["a release"].total("bucket") == 0


def test_row_groups_cost_no_request(
    cloud: Cloud, weather: Weather, hamlet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = costs(cloud, hamlet, 4, ByHand()).counts
    monkeypatch.setattr(parquet, "GROUP_ROWS", 64)
    divided = costs(cloud, hamlet, 4, ByHand()).counts
    assert divided["a release"].sent_bytes > whole["a release"].sent_bytes * 1.1
    for name, counts in whole.items():
        assert divided[name].requests == counts.requests
