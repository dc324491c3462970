"""Publishing where answers are lost, and where many publish at once: everybody is told the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from racers import publish, racing_release
from support.cloud import Cloud
from support.fakegcs import fake_gcs
from support.faults import Stall, Status
from support.weather import Weather
from test_releases import release
from test_tables import TABLE

from pipelines.store.gcs import GcsBackend
from pipelines.store.local import LocalBackend
from pipelines.store.store import Dataset, Store, create_store
from transforms.domain.errors import ByleaveError, CommitOutcomeUnknown, UnreachableError

DATASET = Dataset("d", "flickr", 16)


class Deaf(LocalBackend):
    """A place whose answers to some writes are lost: it says nothing, or that somebody else was first."""

    lost: bool | None = None
    """Whether the write was done whose answer is lost; None: answers come."""
    silent = True

    def create(self, path: str, data: bytes) -> bool:
        if self.lost is None or "/releases/" not in path:
            return super().create(path, data)
        if self.lost:
            super().create(path, data)
        if self.silent:
            raise UnreachableError(f"{self.url}/{path}: the store did not answer")
        return False


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[Store]:
    backend = Deaf(tmp_path / "store")
    yield Store(backend, DATASET)
    backend.close()


@pytest.mark.parametrize("lost", [False, True])
def test_a_commit_without_an_answer_is_neither_success_nor_failure(deaf: Store, lost: bool) -> None:
    assert isinstance(deaf.backend, Deaf)
    deaf.backend.lost = lost
    with pytest.raises(
        CommitOutcomeUnknown, match=r"store/datasets/d/releases/1\.json: not known .*run it again"
    ):
        deaf.releases.commit(release("1"))
    # The same command finds out.
    deaf.backend.lost = None
    assert deaf.releases.commit(release("1")) == (not lost)
    assert deaf.releases.versions() == ["1"]


def test_our_own_commit_is_known_by_its_nonce_when_the_place_says_otherwise(deaf: Store) -> None:
    assert isinstance(deaf.backend, Deaf)
    deaf.backend.lost, deaf.backend.silent = True, False
    assert deaf.releases.commit(release("1"))
    # Another run's commit of the same release is not ours.
    assert not deaf.releases.commit(release("1"))


def test_a_release_stands_though_the_pointer_could_not_be_moved(
    deaf: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> bool:
        raise UnreachableError("the store did not answer")

    with monkeypatch.context() as patch:
        patch.setattr(deaf.backend, "replace", silent)
        assert deaf.releases.commit(release("1"))
    assert not deaf.backend.exists("datasets/d/channels/latest.json")
    assert not deaf.releases.commit(release("1"))
    assert deaf.backend.exists("datasets/d/channels/latest.json")


# --- Weather -----------------------------------------------------------------------------------------------


@pytest.fixture
def in_bucket(cloud: Cloud) -> Iterator[Callable[[float], Store]]:
    """A store in a bucket, for callers that are so patient."""
    url, opened = f"gs://{cloud.new_bucket()}/store", []

    def make(patience_s: float) -> Store:
        backend = GcsBackend(url, patience_s=patience_s)
        opened.append(backend)
        return Store(backend, DATASET)

    yield make
    for backend in opened:
        backend.close()


@pytest.mark.parametrize("fault", [Status(503), Stall(9), Status(503, after=True), Stall(9, after=True)])
def test_an_outage_at_the_commit_names_the_object_and_the_same_command_finds_out(
    in_bucket: Callable[[float], Store], weather: Weather, fault: Status | Stall
) -> None:
    store = in_bucket(0.6)
    # Nothing can be read back either.
    weather.strike(fault, "insert", path=r"/releases/")
    weather.strike(Status(503), "media", path=r"/releases/")
    with pytest.raises(CommitOutcomeUnknown, match=f"{store.url}/datasets/d/releases/1.json: not known"):
        store.releases.commit(release("1"))
    weather.clear()
    assert in_bucket(20).releases.commit(release("1")) == (not fault.after)
    assert store.releases.get("1") == release("1")


def test_an_outage_at_the_commit_of_a_table_is_told_the_same_way(
    in_bucket: Callable[[float], Store], weather: Weather
) -> None:
    store = in_bucket(0.6)
    weather.strike(Status(503), "insert", path=TABLE.name)
    with pytest.raises(CommitOutcomeUnknown, match=rf"{store.url}/datasets/d/{TABLE.path}: not known"):
        store.tables.commit(TABLE)
    weather.clear()
    in_bucket(20).tables.commit(TABLE)
    assert store.tables.get(TABLE.kind, TABLE.name) == TABLE


def test_in_a_storm_each_publication_succeeds_or_fails_clean(
    in_bucket: Callable[[float], Store], weather: Weather
) -> None:
    publishers = [in_bucket(8.0), in_bucket(0.3)]  # the second one gives up early
    weather.storm(0.3, seed=5)
    told: dict[str, bool | ByleaveError] = {}
    for place in range(50):
        try:
            told[str(place)] = publishers[place % 5 == 0].releases.commit(release(str(place)))
        except (UnreachableError, CommitOutcomeUnknown) as error:
            told[str(place)] = error
            assert publishers[0].url in str(error)
    struck = sum(weather.counts().faults.values())
    weather.clear()

    versions = publishers[0].releases.versions()
    for version, outcome in told.items():
        # Nobody else publishes: what was committed is ours, and is said to be.
        assert outcome is not False
        if outcome is True:
            assert version in versions
            assert publishers[0].releases.get(version) == release(version)
        # The same command finds out, and completes.
        assert publishers[0].releases.commit(release(version)) == (version not in versions)
    assert list(told.values()).count(True) >= 40
    assert struck > 50


# --- Racing ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "gcs"])
def new_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A store that takes thousands of requests a second."""
    if request.param == "local":
        yield str(tmp_path / "store")
        return
    with fake_gcs(tmp_path) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield f"gs://{server.new_bucket()}/store"


@pytest.mark.slow
def test_of_16_processes_that_publish_200_versions_one_wins_each_and_the_others_are_told(
    new_store: str,
) -> None:
    racers, rounds = 16, 200
    store = create_store(new_store, DATASET)
    outcomes = publish(new_store, racers, rounds)
    assert [number for number, _ in outcomes] == list(range(racers))
    winners = set()
    for place in range(rounds):
        version = str(place)
        told = [told[place] for _, told in outcomes]
        assert told.count("new") == 1
        winner = told.index("new")
        winners.add(winner)
        published = store.releases.get(version)
        assert published == racing_release(winner, version)
        for number, outcome in enumerate(told):
            if number != winner:
                assert outcome.startswith(f"StateError: release {version!r} is published with digest")
                assert published.digest[:12] in outcome
    assert store.releases.versions() == [str(place) for place in range(rounds)]
    assert len(winners) > 1  # it was a race
    store.backend.close()
