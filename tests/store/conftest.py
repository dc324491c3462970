"""The suites of the store run over every place that a store can lie in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyplace import PLACES

from pipelines.store.store import Dataset, Store, close_stores, create_store


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    """The kind of place, one after the other."""
    return str(request.param)


@pytest.fixture
def url(place: str, request: pytest.FixtureRequest) -> str:
    """Where a fresh store may be made."""
    return PLACES[place](request)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store of 16 buckets."""
    yield create_store(url, Dataset("yfcc100m", "flickr", 16))
    close_stores()
