from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worlds import World, new_store, take_in

from pipelines.store.store import Store, close_stores, open_store
from pipelines.synth import synthesize


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """20,000 rows, all of which can be read."""
    folder = tmp_path_factory.mktemp("world")
    synthesize(folder, rows=20_000, seed=3, workers=1)
    return World(folder)


@pytest.fixture(scope="session")
def broken_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """6,000 rows of the form with 25 columns, and 123 that cannot be read."""
    folder = tmp_path_factory.mktemp("broken")
    synthesize(folder, rows=6_000, seed=11, workers=1, bad_rows=123, columns=25, files=3)
    return World(folder)


@pytest.fixture(scope="session")
def hamlet(tmp_path_factory: pytest.TempPathFactory) -> World:
    """3,000 rows: where there is much to run and little to know."""
    folder = tmp_path_factory.mktemp("hamlet")
    synthesize(folder, rows=3_000, seed=5, workers=1, files=3)
    return World(folder)


@pytest.fixture(scope="session")
def full(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that holds all of ``world``, and no release. Not to be written to: see ``copy``."""
    yield take_in(new_store(tmp_path_factory.mktemp("full") / "store"), world)
    close_stores()


@pytest.fixture(scope="session")
def full_hamlet(hamlet: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that holds all of ``hamlet``, and no release."""
    yield take_in(new_store(tmp_path_factory.mktemp("full") / "store"), hamlet)
    close_stores()


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Callable[[Store], Store]]:
    """Makes a copy of a store, to write to or to damage."""

    def of(store: Store) -> Store:
        folder = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(store.url, folder, ignore=shutil.ignore_patterns("tmp"))
        return open_store(str(folder))

    yield of
    close_stores()
