"""Nights over a store and inboxes in a bucket, with every request counted on its way there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from byhand import ByHand
from support.fakegcs import FakeGcs
from support.faults import Reset, Status
from support.weather import Weather
from worlds import World

from pipelines.night.settings import Settings, parse_settings
from pipelines.night.summary import Summary
from pipelines.nightly import run_night
from pipelines.store.lease import Lease
from pipelines.store.store import Dataset, close_stores, create_store, open_store
from transforms.domain.errors import RetryError

CONFIG = """
store = "{bucket}/store"
settle_seconds = 60
[inbox.opt-outs]
folder = "{bucket}/inbox/opt-outs"
[inbox.licenses]
folder = "{bucket}/inbox/licenses"
format = "canonical"
[inbox.manifests]
folder = "{bucket}/inbox/manifests"
format = "yfcc100m"
how = "whole"
[[release]]
name = "research"
policy = "research"
"""


@pytest.fixture
def weather(gcs: FakeGcs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weather]:
    with Weather(gcs.url) as weather:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", weather.url)
        yield weather
        close_stores()


def put(bucket: str, name: str, source: str) -> None:
    """A file in an inbox."""
    system = fsspec.filesystem("gs", token="anon", skip_instance_cache=True)
    system.pipe_file(f"{bucket}/inbox/{name}", Path(source).read_bytes())


@pytest.fixture
def bucket(gcs: FakeGcs, weather: Weather, hamlet: World) -> str:
    """A bucket with an empty store and full inboxes."""
    url = f"gs://{gcs.new_bucket()}"
    create_store(f"{url}/store", Dataset("yfcc100m", "flickr", 4))
    put(url, "opt-outs/2025-06-10.txt", hamlet.opt_outs["2025-06-10.txt"])
    put(url, "licenses/2025-06-01.parquet", hamlet.licenses["2025-06-01"])
    for path in hamlet.manifest:
        put(url, f"manifests/2014-05/{Path(path).name}", path)
    return url


def settings(bucket: str) -> Settings:
    return parse_settings(CONFIG.format(bucket=bucket), "nightly.toml", Path())


def night(bucket: str) -> Summary:
    """One night, later: what was put there has settled."""
    return run_night(settings(bucket), ByHand(), clock=lambda: time.time() + 1000)


def test_a_night_in_a_bucket_and_the_next_writes_nothing(
    bucket: str, weather: Weather, hamlet: World
) -> None:
    waiting = run_night(settings(bucket), ByHand())
    assert [left.waits for left in waiting.left] == [True] * 3
    summary = night(bucket)
    assert summary.exit_code == 0, list(summary.faults())
    assert [table.snapshot[:10] for table in summary.taken_in] == ["2025-06-10", "2025-06-01", "2014-05"]

    before = weather.counts()
    summary = night(bucket)
    asked = weather.counts() - before
    assert summary.nothing_changed
    assert {kind for _, kind, _ in asked.requests} <= {"list", "media", "metadata", "bucket"}, str(asked)
    # Looking costs documents, and none of them once for each bucket of the dataset.
    assert asked.total() < 60, str(asked)

    put(bucket, "opt-outs/2026-11-10.txt", hamlet.opt_outs["2026-11-10.txt"])
    summary = night(bucket)
    assert [table.date for table in summary.taken_in] == ["2026-11-10"]
    assert [outcome.release and outcome.release.version for outcome in summary.outcomes] == [
        "2026.11.10-research"
    ]


def test_a_lease_is_ours_though_the_answer_was_lost_and_lost_when_nobody_answers(
    bucket: str, weather: Weather
) -> None:
    lease = Lease(open_store(f"{bucket}/store").backend, "lease.json", 6)
    for fault in (Status(503, after=True), Reset("answer")):
        weather.clear()
        struck = weather.strike(fault, "insert", path="lease", nth={1})
        lease.acquire()
        assert struck.struck == 1
        assert lease.renew()
        with pytest.raises(RetryError, match="held by process"):
            Lease(lease.backend, "lease.json", 6).acquire()
        lease.release()
