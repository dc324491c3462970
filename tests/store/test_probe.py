"""Places that do not keep the promise on which a commit rests are found out before anything is published."""

from __future__ import annotations

from pathlib import Path

import pytest
from byhand import listing
from support.cloud import Cloud
from support.weather import Weather

from pipelines.store.backend import Backend
from pipelines.store.gcs import GcsBackend
from pipelines.store.local import LocalBackend
from pipelines.store.probe import probe
from transforms.domain.errors import RefusedError, UnreachableError


class Overwrites(LocalBackend):
    """Ignores conditions, and says so: an emulator."""

    def create(self, path: str, data: bytes) -> bool:
        self.remove(path)
        return super().create(path, data)


class Pretends(Overwrites):
    """Ignores conditions, and says that it kept them."""

    def create(self, path: str, data: bytes) -> bool:
        fresh = not self.exists(path)
        super().create(path, data)
        return fresh


class ReplacesAnything(LocalBackend):
    """Takes any generation for the current one."""

    def replace(self, path: str, data: bytes, generation: str | None) -> bool:
        found = self.read_generation(path)
        return super().replace(path, data, found[1] if found else None)


class NeverReplaces(LocalBackend):
    """Says that it replaced, and did not."""

    def replace(self, path: str, data: bytes, generation: str | None) -> bool:
        return True


class Forgets(LocalBackend):
    """Says that it created, and did not."""

    def create(self, path: str, data: bytes) -> bool:
        return not self.exists(path)


@pytest.mark.parametrize("liar", [Overwrites, Pretends, ReplacesAnything, NeverReplaces, Forgets])
def test_a_place_that_ignores_conditions_is_refused(tmp_path: Path, liar: type[LocalBackend]) -> None:
    backend = liar(tmp_path)
    for _ in range(2):  # and is not passed the second time
        with pytest.raises(RefusedError, match=f"{tmp_path}: conditional writes are not honored here"):
            probe(backend)
    backend.close()
    assert listing(tmp_path) == {}


@pytest.mark.parametrize("place", ["local", "gcs"])
def test_a_place_that_honors_them_passes_once_and_is_left_as_it_was(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    backend: Backend
    if place == "local":
        backend = LocalBackend(tmp_path)
    else:
        backend = GcsBackend(f"gs://{request.getfixturevalue('cloud').new_bucket()}/store")
    probe(backend)
    probe(backend)
    assert not [path for path in backend.list("tmp") if "probe" in path]
    backend.close()
    assert not any(backend.list("tmp"))


def test_the_probe_asks_once(cloud: Cloud, weather: Weather) -> None:
    backend = GcsBackend(f"gs://{cloud.new_bucket()}/store")
    probe(backend)
    before = weather.counts().total()
    probe(backend)
    assert weather.counts().total() == before
    backend.close()


def test_an_outage_is_no_verdict(cloud: Cloud, weather: Weather) -> None:
    backend = GcsBackend(f"gs://{cloud.new_bucket()}/store", patience_s=0.5)
    with weather.outage(), pytest.raises(UnreachableError):
        probe(backend)
    probe(backend)
    backend.close()
