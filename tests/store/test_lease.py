"""A lease: never two who may count on it, whatever clocks, weather and deaths; and never one for ever."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipelines.store.backend import Backend
from pipelines.store.lease import Lease
from pipelines.store.local import LocalBackend
from pipelines.store.store import connect
from transforms.domain.errors import IntegrityError, RetryError, UnreachableError

SECONDS = 60.0
HOLDERS = 4
SKEW = SECONDS / 6


class Memory:
    """The least of a backend; its next requests may be answered with an error, before or after they count."""

    url = "memory"

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.generation = 0
        self.weather: list[str] = []

    def _request(self, act: Callable[[], Any]) -> Any:
        weather = self.weather.pop(0) if self.weather else "fair"
        if weather == "before":
            raise UnreachableError("no answer")
        answer = act()
        if weather == "after":
            raise UnreachableError("no answer")
        return answer

    def read_generation(self, path: str) -> tuple[bytes, str] | None:
        def read() -> tuple[bytes, str] | None:
            return None if self.data is None else (self.data, str(self.generation))

        return cast("tuple[bytes, str] | None", self._request(read))

    def replace(self, path: str, data: bytes, generation: str | None) -> bool:
        def write() -> bool:
            if generation != (None if self.data is None else str(self.generation)):
                return False
            self.data, self.generation = data, self.generation + 1
            return True

        return cast(bool, self._request(write))


class Holders(RuleBasedStateMachine):
    """Some machines whose clocks differ by up to a sixth of a lease, over a store that fails at times."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.store = Memory()
        self.leases: list[Lease] = []

    def lease(self, skew: float) -> Lease:
        return Lease(cast(Backend, self.store), "lease.json", SECONDS, lambda: self.now + skew)

    @precondition(lambda self: len(self.leases) < HOLDERS)
    @rule(skew=st.sampled_from([0.0, SKEW]) | st.floats(0, SKEW))
    def a_machine_comes(self, skew: float) -> None:
        self.leases.append(self.lease(skew))

    @rule(seconds=st.integers(1, 20) | st.floats(0.01, SECONDS * 1.5))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(weather=st.lists(st.sampled_from(["fair", "before", "after"]), max_size=3))
    def weather_changes(self, weather: list[str]) -> None:
        self.store.weather = weather

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), act=st.sampled_from(["acquire", "renew", "release"]))
    def somebody_acts(self, data: st.DataObject, act: str) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        if act == "acquire" and lease.valid:
            return  # nobody takes what he has
        with contextlib.suppress(RetryError):
            getattr(lease, act)()

    @invariant()
    def one_at_most_counts_on_it(self) -> None:
        assert sum(lease.valid for lease in self.leases) <= 1

    def teardown(self) -> None:
        """Whatever has happened, it is free again when its time has passed."""
        self.store.weather = []
        self.now += SECONDS + SKEW + 1
        latecomer = self.lease(0)
        latecomer.acquire()
        assert latecomer.valid
        self.one_at_most_counts_on_it()


TestHolders = Holders.TestCase
TestHolders.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("renewed", [False, True])
@pytest.mark.parametrize("ahead", [-SKEW, 0.0, SKEW])
def test_at_no_moment_do_two_count_on_it(ahead: float, renewed: bool) -> None:
    """The other's clock is as far off as it may be, and he comes at each half second."""
    taken = []
    for moment in range(int(4 * SECONDS)):
        now = [1_000_000.0]
        store = cast(Backend, Memory())
        first = Lease(store, "lease.json", SECONDS, lambda now=now: now[0])
        other = Lease(store, "lease.json", SECONDS, lambda now=now: now[0] + ahead)
        first.acquire()
        if renewed:
            now[0] += SECONDS / 3
            first.renew()
        now[0] += moment / 2
        with contextlib.suppress(RetryError):
            other.acquire()
        assert not (first.valid and other.valid), moment / 2
        taken.append(other.valid)
    assert not taken[0]
    assert taken[-1]


# --- Racers ------------------------------------------------------------------------------------------------

RACERS, ROUNDS = 16, 10


def _race(url: str, start: Barrier, number: int, outcomes: Any) -> None:
    backend = connect(url)
    won = []
    for place in range(ROUNDS):
        lease = Lease(backend, f"race/{place}.json", SECONDS)
        start.wait()
        with contextlib.suppress(RetryError):
            lease.acquire()
        won.append(lease.valid)
    outcomes.put((number, won))
    backend.close()


def test_of_racers_one_wins(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, outcomes = context.Barrier(RACERS), context.Queue()
    racers = [
        context.Process(target=_race, args=(str(tmp_path), start, number, outcomes))
        for number in range(RACERS)
    ]
    for racer in racers:
        racer.start()
    found = [outcomes.get(timeout=60)[1] for _ in racers]
    for racer in racers:
        racer.join()
    assert [sum(won) for won in zip(*found, strict=True)] == [1] * ROUNDS


# --- One holder --------------------------------------------------------------------------------------------


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    backend = LocalBackend(tmp_path)
    yield backend
    backend.close()


def test_who_is_kept_out_is_told_by_whom_and_until_when(backend: LocalBackend) -> None:
    first = Lease(backend, "lease.json", 1800, lambda: 1_790_000_000)
    holder = first.acquire()
    with pytest.raises(RetryError) as kept_out:
        Lease(backend, "lease.json", 1800, lambda: 1_790_000_060).acquire()
    for told in (holder.host, f"process {holder.pid}", "2026-09-21T14:13:20Z", "2026-09-21T14:43:20Z"):
        assert told in str(kept_out.value)
    first.release()
    second = Lease(backend, "lease.json", 1800, lambda: 1_790_000_061)
    second.acquire()
    assert second.taken_over is None
    first.release()  # which it no longer has
    second.check()


def test_it_is_renewed_while_the_block_runs_and_free_behind_it(backend: LocalBackend) -> None:
    seconds = 0.6
    with Lease(backend, "lease.json", seconds).held() as lease:
        for _ in range(10):
            time.sleep(seconds / 5)
            lease.check()
            with pytest.raises(RetryError):
                Lease(backend, "lease.json", seconds).acquire()
    assert not lease.valid
    Lease(backend, "lease.json", seconds).acquire()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_is_interrupted_while_taking_it_lets_it_go(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    replace = backend.replace

    def interrupted(path: str, data: bytes, generation: str | None) -> bool:
        monkeypatch.undo()
        if moment == "after":
            replace(path, data, generation)
        raise KeyboardInterrupt

    monkeypatch.setattr(backend, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), Lease(backend, "lease.json", 1800).held():
        raise AssertionError("it is not held")
    Lease(backend, "lease.json", 1800).acquire()


def test_who_lost_it_is_stopped(backend: LocalBackend) -> None:
    now = [1_790_000_000.0]
    sleeper = Lease(backend, "lease.json", 60, lambda: now[0])
    holder = sleeper.acquire()
    now[0] += 51
    with pytest.raises(RetryError, match="ran out before it could be renewed"):
        sleeper.check()
    now[0] += 10
    other = Lease(backend, "lease.json", 60, lambda: now[0])
    other.acquire()
    assert other.taken_over == holder
    assert not sleeper.renew()
    with pytest.raises(RetryError):
        sleeper.check()
    other.check()


@pytest.mark.parametrize("data", [b"", b"[1]", b'{"expires":1}', b'{"holder":{"pid":1},"expires":1}'])
def test_what_is_no_lease_is_not_taken_for_a_free_one(backend: LocalBackend, data: bytes) -> None:
    backend.create("lease.json", data)
    with pytest.raises(IntegrityError, match=r"lease\.json: not a lease"):
        Lease(backend, "lease.json", 60).acquire()
