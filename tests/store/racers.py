"""Processes that race for the same object, released together by a barrier, round after round."""

from __future__ import annotations

import multiprocessing
import secrets
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any

from pipelines.store.backend import Backend
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import close_stores, connect, open_store
from transforms.domain.errors import ByleaveError


def _race(url: str, start: Barrier, rounds: int, number: int, outcomes: Any) -> None:
    backend = connect(url)
    me = f"racer {number}".encode() * 1000
    created = []
    for place in range(rounds):
        start.wait()
        created.append(backend.create(f"race/created/{place}", me))
    replaced = []
    for place in range(rounds):
        path = f"race/replaced/{place}"
        found = backend.read_generation(path)
        start.wait()
        replaced.append(backend.replace(path, me, found[1] if found else None))
        start.wait()
    increased = sum(increase(backend, "race/counter") for _ in range(rounds))
    outcomes.put((number, created, replaced, increased))
    backend.close()


def increase(backend: Backend, path: str) -> int:
    """Add one to a number that others add to as well; how many tries it took is nobody's business."""
    while True:
        found = backend.read_generation(path)
        number, generation = (int(found[0].split()[0]), found[1]) if found else (0, None)
        # Whoever counts to the same number writes something else, as the contract asks.
        if backend.replace(path, f"{number + 1} {secrets.token_hex(8)}".encode(), generation):
            return 1


def count(backend: Backend, path: str) -> int:
    """Where :func:`increase` has come to."""
    return int(backend.read(path).split()[0])


def race(url: str, racers: int, rounds: int) -> list[tuple[int, list[bool], list[bool], int]]:
    """For each racer: its number, which objects it created, which it replaced, how often it counted."""
    return _in_processes(_race, url, racers, rounds)


def publish(url: str, racers: int, rounds: int) -> list[tuple[int, list[str]]]:
    """For each racer: its number, and what it was told of each version: `new`, or why not."""
    return _in_processes(_publish, url, racers, rounds)


def racing_release(number: int, version: str) -> Release:
    """The release that a racer publishes."""
    return Release(version, {"racer": number}, {name: {} for name in PARTS})


def _publish(url: str, start: Barrier, rounds: int, number: int, outcomes: Any) -> None:
    store = open_store(url)
    told = []
    for place in range(rounds):
        start.wait()
        try:
            new = store.releases.commit(racing_release(number, str(place)))
            told.append("new" if new else "the same")
        except ByleaveError as error:
            told.append(f"{type(error).__name__}: {error}")
    outcomes.put((number, told))
    close_stores()


def _in_processes(work: Callable[..., None], url: str, racers: int, rounds: int) -> list[Any]:
    context = multiprocessing.get_context("spawn")
    start, outcomes = context.Barrier(racers), context.Queue()
    processes = [
        context.Process(target=work, args=(url, start, rounds, number, outcomes)) for number in range(racers)
    ]
    for process in processes:
        process.start()
    found = [outcomes.get(timeout=240) for _ in processes]
    for process in processes:
        process.join()
    return sorted(found)
