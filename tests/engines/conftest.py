"""One world of 20,000 rows in a bucket, one Flink cluster, one pool of workers for all tests of engines.

Store and inputs lie on the GCS server, so that a worker has nothing else in common with the driver. Where Go,
Java or Maven is missing, the tests that need it are skipped with the reason.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from faraway import PATHS, InBucket, NewStore, World, whole_way
from support import workers
from support.fakegcs import FakeGcs
from support.flink import Flink, flink_cluster

from pipelines.runner import Runner
from pipelines.store.store import Dataset, create_store
from pipelines.synth import synthesize

_TEST_SECONDS = 180


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With a test that failed on Flink come the last lines of its processes."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("flink")
    if report.failed and isinstance(cluster, Flink):  # type: ignore[attr-defined]
        for log in sorted(cluster.folder.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-60:]
            report.sections.append((log.name, "\n".join(lines)))  # type: ignore[attr-defined]
    return report  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """A runner that waits for ever is a failure, and not the end of the whole run."""

    def give_up(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took more than {_TEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_TEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def world(gcs: FakeGcs, tmp_path_factory: pytest.TempPathFactory) -> World:
    """20,000 rows, in a bucket."""
    folder = tmp_path_factory.mktemp("world")
    synthesize(folder, rows=20_000, seed=3, workers=1)
    return InBucket(folder, gcs)


@pytest.fixture(scope="session")
def new_store(gcs: FakeGcs) -> NewStore:
    """Makes an empty store in a bucket of its own."""
    return lambda: create_store(f"gs://{gcs.new_bucket()}/store", Dataset("yfcc100m", "flickr", 16))


@pytest.fixture(scope="session")
def digest(world: World, new_store: NewStore) -> str:
    """What the release is on the runner that byleave takes if nobody says otherwise."""
    return whole_way(new_store(), world, Runner(2))


@pytest.fixture(scope="module")
def flink(gcs: FakeGcs) -> Iterator[Flink]:
    with flink_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def pool(gcs: FakeGcs) -> Iterator[tuple[str, ...]]:
    """A worker pool: the options of EXTERNAL."""
    with workers.worker_pool(PATHS) as options:
        yield options
