"""The contract of a backend, one suite for every place that a store can lie in."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Iterator

import pytest
from anyplace import PLACES
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from racers import count, increase, race

from pipelines.store.backend import Backend
from pipelines.store.store import connect

STATES = {"local": 25, "gcs": 8}


@pytest.fixture
def backend(url: str) -> Iterator[Backend]:
    opened = connect(url)
    yield opened
    opened.close()


def at_once(count: int, act: Callable[[int], bool]) -> list[bool]:
    """What ``act`` came to in ``count`` threads that a barrier lets go together."""
    start = threading.Barrier(count)

    def run(number: int) -> bool:
        start.wait()
        return act(number)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


# --- One at a time -----------------------------------------------------------------------------------------

PATHS = ("a", "b", "f/a", "f/b", "f/10", "f/9", "f/g/a", "fa/a")
FOLDERS = ("f", "f/g", "fa", "nowhere")
data = st.binary(max_size=40)
paths = st.sampled_from(PATHS)


class AgainstDict(RuleBasedStateMachine):
    """Any sequence of calls leaves the backend with what a dict would hold."""

    new: Callable[[], Backend]

    @initialize()
    def begin(self) -> None:
        self.backend = self.new()
        self.model: dict[str, bytes] = {}

    @rule(path=paths, data=data)
    def create(self, path: str, data: bytes) -> None:
        self.created(path, data, self.backend.create(path, data))

    def created(self, path: str, data: bytes, outcome: bool) -> None:
        """Of an object with the very bytes that were sent a place may say that they are ours."""
        if self.model.get(path) != data:
            assert outcome == (path not in self.model)
        self.model.setdefault(path, data)

    @rule(path=paths, pieces=st.lists(data, max_size=3))
    def upload(self, path: str, pieces: list[bytes]) -> None:
        with self.backend.upload(".bin") as upload:
            for piece in pieces:
                upload.file.write(piece)
            self.created(path, b"".join(pieces), upload.create(path))

    @rule(path=paths, data=data)
    def replace_what_is_there(self, path: str, data: bytes) -> None:
        found = self.backend.read_generation(path)
        assert self.backend.replace(path, data, found[1] if found else None)
        self.model[path] = data

    @rule(path=paths, between=data, data=data)
    def replace_what_was_there(self, path: str, between: bytes, data: bytes) -> None:
        found = self.backend.read_generation(path)
        if between in (self.model.get(path), data):
            return
        assert self.backend.replace(path, between, found[1] if found else None)
        assert not self.backend.replace(path, data, found[1] if found else None)
        self.model[path] = between

    @rule(path=paths)
    def remove(self, path: str) -> None:
        self.backend.remove(path)
        self.model.pop(path, None)

    @invariant()
    def holds_what_was_written(self) -> None:
        for path in PATHS:
            assert self.backend.exists(path) == (path in self.model)
            found = self.backend.read_generation(path)
            assert (found[0] if found else None) == self.model.get(path)
            if path in self.model:
                assert self.backend.read(path) == self.model[path]
                with self.backend.open(path) as file:
                    assert file.read() == self.model[path]
        for folder in FOLDERS:
            inside = sorted(p for p in self.model if p.rpartition("/")[0] == folder)
            assert list(self.backend.list(folder)) == inside
            below = {p[len(folder) + 1 :].partition("/") for p in self.model if p.startswith(f"{folder}/")}
            folders = sorted(f"{folder}/{name}" for name, slash, _ in below if slash)
            assert set(folders) <= set(self.backend.folders(folder))  # a file system keeps empty ones
            path = self.backend.local_path(f"{folder}/a")
            assert path is None or path.exists() == (f"{folder}/a" in self.model)

    def teardown(self) -> None:
        self.backend.close()


def test_any_sequence_of_calls_leaves_what_a_dict_would_hold(
    place: str, request: pytest.FixtureRequest
) -> None:
    class Machine(AgainstDict):
        @staticmethod
        def new() -> Backend:
            return connect(PLACES[place](request))

    run_state_machine_as_test(Machine, settings=settings(max_examples=STATES[place], stateful_step_count=12))


def test_what_is_not_there_cannot_be_read(backend: Backend) -> None:
    for read in (backend.read, backend.open):
        with pytest.raises(FileNotFoundError):
            read("datasets/none.json")
    assert backend.read_generation("datasets/none.json") is None


def test_an_open_object_is_read_at_random(backend: Backend) -> None:
    content = bytes(range(256)) * 4096
    backend.create("blobs/some", content)
    with backend.open("blobs/some") as file:
        for offset in (1_000_000, 0, 77, len(content) - 3):
            file.seek(offset)
            assert file.read(3) == content[offset : offset + 3]
        assert file.size() == len(content)


def test_an_upload_is_invisible_until_it_has_its_name(backend: Backend) -> None:
    with backend.upload(".bin") as upload:
        upload.file.write(b"x" * 100_000)
        assert not backend.exists("blobs/x")
        assert list(backend.list("blobs")) == []
        assert upload.create("blobs/x")
        assert backend.read("blobs/x") == b"x" * 100_000
    assert list(backend.list("blobs")) == ["blobs/x"]


@pytest.mark.parametrize("named", [False, True])
def test_an_upload_that_is_given_up_leaves_what_it_named_and_nothing_else(
    backend: Backend, named: bool
) -> None:
    def give_up() -> None:
        with backend.upload(".bin") as upload:
            upload.file.write(b"all of it")
            if named:
                upload.create("blobs/x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()
    assert list(backend.list("blobs")) == ["blobs/x"] * named


# --- Racing ------------------------------------------------------------------------------------------------


def test_creating_has_one_winner_among_threads(backend: Backend) -> None:
    for place in range(20):
        path = f"datasets/d/{place}"

        def create(number: int, path: str = path) -> bool:
            return backend.create(path, f"{number}".encode() * 5000)

        won = at_once(16, create)
        assert won.count(True) == 1
        assert backend.read(path) == f"{won.index(True)}".encode() * 5000


def test_replacing_has_one_winner_among_threads(backend: Backend) -> None:
    for place in range(20):
        path = f"channels/{place % 2}"
        found = backend.read_generation(path)
        generation = found[1] if found else None
        value = f"round {place}, racer "

        def replace(
            number: int, path: str = path, generation: str | None = generation, value: str = value
        ) -> bool:
            return backend.replace(path, f"{value}{number}".encode(), generation)

        won = at_once(16, replace)
        assert won.count(True) == 1
        assert backend.read(path) == f"{value}{won.index(True)}".encode()


def test_no_count_is_lost_among_threads(backend: Backend) -> None:
    at_once(8, lambda _: all(increase(backend, "channels/counter") for _ in range(10)))
    assert count(backend, "channels/counter") == 80


def test_races_have_one_winner_among_processes(url: str) -> None:
    backend, rounds = connect(url), 15
    outcomes = race(url, racers=8, rounds=rounds)
    for place in range(rounds):
        (creator,) = [number for number, created, _, _ in outcomes if created[place]]
        assert backend.read(f"race/created/{place}") == f"racer {creator}".encode() * 1000
        (replacer,) = [number for number, _, replaced, _ in outcomes if replaced[place]]
        assert backend.read(f"race/replaced/{place}") == f"racer {replacer}".encode() * 1000
    assert count(backend, "race/counter") == 8 * rounds


def test_readers_meet_a_whole_object_or_none(backend: Backend) -> None:
    size, stop = 1 << 21, threading.Event()
    torn: list[str] = []
    seen = {"none": 0, "whole": 0}

    def watch() -> None:
        while not stop.is_set():
            for path in ("blobs/created", "channels/replaced"):
                try:
                    content = backend.read(path)
                except FileNotFoundError:
                    seen["none"] += 1
                    continue
                seen["whole"] += 1
                if len(content) != size or len({content[0], content[size // 2], content[-1]}) != 1:
                    torn.append(path)

    readers = [threading.Thread(target=watch) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for place in range(25):
            content = bytes([place]) * size
            backend.remove("blobs/created")
            with backend.upload(".bin") as upload:
                for start in range(0, size, 1 << 18):
                    upload.file.write(content[start : start + (1 << 18)])
                upload.create("blobs/created")
            found = backend.read_generation("channels/replaced")
            backend.replace("channels/replaced", content, found[1] if found else None)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not torn
    assert seen["none"]
    assert seen["whole"] > 25
