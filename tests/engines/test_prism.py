"""Prism, with workers in this process and in a pool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from faraway import NewStore, whole_way
from support.lives import (
    hold_a_dead_worker_to_cost_nothing_else,
    hold_errors_to_arrive,
    hold_workers_to_be_others,
)
from support.prism import prism_options, prism_server
from worlds import World

from pipelines.runner import Runner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def in_pool(pool: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    with prism_server() as server:
        yield (*server, *pool)


def test_the_release_is_the_same(new_store: NewStore, world: World, digest: str) -> None:
    assert whole_way(new_store(), world, Runner(0, prism_options())) == digest


def test_workers_of_a_pool_do_the_work(new_store: NewStore, in_pool: tuple[str, ...], tmp_path: Path) -> None:
    hold_workers_to_be_others(new_store(), in_pool, tmp_path, at_least=1)


def test_a_worker_that_dies_costs_its_action(
    new_store: NewStore, in_pool: tuple[str, ...], tmp_path: Path
) -> None:
    hold_a_dead_worker_to_cost_nothing_else(new_store(), in_pool, tmp_path)


def test_errors_arrive(new_store: NewStore, in_pool: tuple[str, ...]) -> None:
    hold_errors_to_arrive(new_store(), prism_options())
    hold_errors_to_arrive(new_store(), in_pool)
