"""A fresh store, and golden files, for every test.

What else the tests share lies beside this file, which is why they can import it: the oracle, the strategies,
the runner that does without Beam.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from support.cloud import Cloud
from support.cloud import cloud as gcs_cloud
from support.fakegcs import FakeGcs
from support.weather import Weather

from pipelines.commands import options
from pipelines.store.store import Dataset, Store, close_stores, create_store

GOLDEN = Path(__file__).parent / "golden"

# An example's time says nothing on a busy machine. All else stays, such as fixed examples under CI.
settings.register_profile("byleave", deadline=None)
settings.load_profile("byleave")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", action="store_true", help="write golden files instead of comparing them")


# Whose tests share what takes long to start.
_ON_ONE_PROCESS = ("tests/engines/", "tests/dataflow/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Groups by folder. The marks that pytest-xdist 3.8 groups by are lost on pytest 9.2, without a word."""
    from xdist.scheduler import LoadGroupScheduling

    class ByFolder(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            own = super()._split_scope(nodeid)
            return next((folder for folder in _ON_ONE_PROCESS if nodeid.startswith(folder)), own)

    return ByFolder(config, log)  # type: ignore[arg-type]


@pytest.fixture(scope="session", autouse=True)
def any_day() -> Iterator[None]:
    """Commands take in what is of any day: what the tests hand them is of days of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "tomorrow", lambda: datetime.date.max)
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store of 16 buckets in a folder of its own."""
    yield create_store(str(tmp_path / "store"), Dataset("yfcc100m", "flickr", 16))
    close_stores()


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """A GCS server with weather before it, to which all clients of this process and its children turn."""
    with gcs_cloud() as made:
        yield made


@pytest.fixture(scope="session")
def gcs(cloud: Cloud) -> FakeGcs:
    """The server, for tests that leave the weather alone; without Go, a skip."""
    return cloud.server


@pytest.fixture
def weather(cloud: Cloud) -> Iterator[Weather]:
    """The weather before the GCS server: fair at first, and after the test."""
    cloud.weather.clear()
    yield cloud.weather
    cloud.weather.clear()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Holds a text to the golden file of a name; `--write` makes the text the golden one."""

    def hold(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--write"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"there is no golden file {name}; make it with --write, and read it"
        assert text == file.read_text(encoding="utf-8")

    return hold
