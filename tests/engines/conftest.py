"""One world of 20,000 rows in a bucket, one Flink cluster, one pool of workers for all tests of engines.

Store and inputs lie on the GCS server, so that a worker has nothing else in common with the driver. Where Go,
Java or Maven is missing, the tests that need it are skipped with the reason.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from support import tools, workers
from support.fakegcs import FakeGcs, fake_gcs
from support.flink import Flink, flink_cluster

from pipelines.runner import Runner
from pipelines.store.store import Dataset, Store, close_stores, create_store
from pipelines.synth import synthesize

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
PATHS = (CHECKOUT, CHECKOUT / "tests")

sys.path.append(str(CHECKOUT / "tests" / "e2e"))  # `worlds`, the way from a world to a release

from worlds import World, cut, take_in  # noqa: E402

NewStore = Callable[[], Store]

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


@pytest.fixture(scope="package")
def gcs() -> Iterator[FakeGcs]:
    """The GCS server, found by all that is started from here."""
    tools.require("go")
    with fake_gcs() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server
        close_stores()


@pytest.fixture(scope="package")
def world(gcs: FakeGcs, tmp_path_factory: pytest.TempPathFactory) -> World:
    """20,000 rows, in a bucket."""
    folder = tmp_path_factory.mktemp("world")
    synthesize(folder, rows=20_000, seed=3, workers=1)
    return InBucket(folder, gcs)


class InBucket(World):
    """A world whose files are read from a bucket."""

    def __init__(self, folder: Path, gcs: FakeGcs) -> None:
        super().__init__(folder)
        bucket = gcs.put_all(folder)
        object.__setattr__(self, "_at", lambda path: f"gs://{bucket}/{Path(path).relative_to(folder)}")

    @property
    def manifest(self) -> list[str]:
        return [self._at(path) for path in super().manifest]  # type: ignore[attr-defined]

    @property
    def licenses(self) -> dict[str, str]:
        return {day: self._at(path) for day, path in super().licenses.items()}  # type: ignore[attr-defined]

    @property
    def opt_outs(self) -> dict[str, str]:
        return {name: self._at(path) for name, path in super().opt_outs.items()}  # type: ignore[attr-defined]


@pytest.fixture(scope="package")
def new_store(gcs: FakeGcs) -> NewStore:
    """Makes an empty store in a bucket of its own."""
    return lambda: create_store(f"gs://{gcs.new_bucket()}/store", Dataset("yfcc100m", "flickr", 16))


def whole_way(store: Store, world: World, runner: Runner) -> str:
    """From a world to a release, whose digest comes back."""
    take_in(store, world, runner)
    return str(cut(store, runner=runner).digest)


@pytest.fixture(scope="package")
def digest(world: World, new_store: NewStore) -> str:
    """What the release is on the runner that byleave takes if nobody says otherwise."""
    return whole_way(new_store(), world, Runner(2))


@pytest.fixture(scope="package")
def flink(gcs: FakeGcs) -> Iterator[Flink]:
    with flink_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="package")
def pool(gcs: FakeGcs) -> Iterator[tuple[str, ...]]:
    """A worker pool: the options of EXTERNAL."""
    with workers.worker_pool(PATHS) as options:
        yield options
