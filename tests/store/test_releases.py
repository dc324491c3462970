from __future__ import annotations

import concurrent.futures
import json
import threading
from typing import Any

import pytest
from anyplace import files, overwrite

from pipelines.store.blobs import Blob
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import Store, close_stores, open_store
from transforms.domain.errors import IntegrityError, StateError


def release(version: str, **content: Any) -> Release:
    blobs = {2: Blob("b" * 64, ".parquet", 2, 20), 1: Blob("a" * 64, ".parquet", 1, 10)}
    return Release(
        version, {"purpose": "commercial", "counts": {"kept": 3}, **content}, dict.fromkeys(PARTS, blobs)
    )


def version_file(store: Store, version: str) -> str:
    return f"{store.dataset.path}/releases/{version}.json"


def channel(store: Store) -> str:
    return f"{store.dataset.path}/channels/latest.json"


def latest(store: Store) -> str:
    return str(json.loads(store.backend.read(channel(store)))["version"])


def test_a_release_comes_back(store: Store) -> None:
    made = release("2026.11.0")
    assert store.releases.find("2026.11.0") is None
    assert store.releases.versions() == []
    assert store.releases.commit(made)
    for found in (
        store.releases.find("2026.11.0"),
        store.releases.get("2026.11.0"),
        store.releases.get(None),
    ):
        assert found == made
    assert store.releases.versions() == ["2026.11.0"]


def test_the_digest_is_of_what_was_released_and_not_of_its_version() -> None:
    digest = release("1").digest
    assert release("2").digest == digest
    turned = Release("1", dict(reversed([*release("1").content.items()])), release("1").parts)
    assert turned.digest == digest
    assert release("1", counts={"kept": 4}).digest != digest
    assert release("1", more=None).digest != digest
    for name in PARTS:
        assert Release("1", release("1").content, {**release("1").parts, name: {}}).digest != digest


def test_a_version_is_published_once(store: Store) -> None:
    assert store.releases.commit(release("1"))
    before = files(store.backend, "")
    assert not store.releases.commit(release("1"))
    assert files(store.backend, "") == before
    with pytest.raises(StateError, match="published once"):
        store.releases.commit(release("1", counts={"kept": 4}))
    assert store.releases.get("1") == release("1")


def test_of_many_that_race_for_a_version_one_wins_and_the_others_know(store: Store) -> None:
    start = threading.Barrier(12)

    def publish(number: int) -> str:
        mine = release("1", counts={"kept": number % 4})
        start.wait()
        try:
            return "new" if store.releases.commit(mine) else "the same"
        except StateError:
            return "taken"

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(publish, range(12)))
    assert outcomes.count("new") == 1
    winner = store.releases.get("1").content["counts"]["kept"]
    assert winner == outcomes.index("new") % 4
    for number, outcome in enumerate(outcomes):
        assert outcome == "taken" if number % 4 != winner else outcome in ("new", "the same")


def test_latest_is_a_hint_that_only_moves_forward(store: Store) -> None:
    for version, points_at in (
        ("2026.9.0", "2026.9.0"),
        ("2026.10.0", "2026.10.0"),
        ("2026.9.1", "2026.10.0"),
    ):
        store.releases.commit(release(version))
        assert latest(store) == points_at
    assert store.releases.versions() == ["2026.9.0", "2026.9.1", "2026.10.0"]
    store.backend.remove(channel(store))
    assert store.releases.get(None).version == "2026.10.0"


def test_what_lies_beside_the_version_files_is_no_release(store: Store) -> None:
    store.releases.commit(release("1"))
    assert store.backend.create(store.releases.stats_path("1"), b"a database")
    assert store.releases.versions() == ["1"]


def test_a_release_that_is_not_there(store: Store) -> None:
    with pytest.raises(StateError, match=r"no release yet\. Cut one"):
        store.releases.get(None)
    store.releases.commit(release("10"))
    store.releases.commit(release("9"))
    with pytest.raises(StateError, match=r"no release '11'\. There is: 9, 10"):
        store.releases.get("11")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b"[]", b"null", b"{}", b'{"release":null}', b'{"release":[1]}']
)
def test_a_version_file_that_is_none_is_an_error(store: Store, text: bytes) -> None:
    store.releases.commit(release("1"))
    overwrite(store.backend, version_file(store, "1"), text)
    with pytest.raises(IntegrityError, match=r"releases/1\.json"):
        store.releases.find("1")


@pytest.mark.parametrize(
    "document", [{}, {"format": "byleave-release/1"}, {"format": "byleave-release/2"}, [], None, ["format"]]
)
def test_a_document_that_is_none_is_an_error(store: Store, document: Any) -> None:
    other = store.blobs.put_bytes(json.dumps(document).encode(), ".json")
    store.backend.create(
        f"{store.dataset.path}/releases/1.json", json.dumps({"release": other.to_json()}).encode()
    )
    with pytest.raises(IntegrityError, match=r"releases/1\.json"):
        store.releases.find("1")


def test_the_document_is_held_to_its_digest_and_its_version(store: Store) -> None:
    store.releases.commit(release("1"))
    store.backend.create(version_file(store, "2"), store.backend.read(version_file(store, "1")))
    with pytest.raises(IntegrityError, match="version '1'"):
        store.releases.find("2")
    (document,) = files(store.backend, "blobs")
    sound = store.backend.read(document)
    overwrite(store.backend, document, sound.replace(b"commercial", b"research!!"))
    with pytest.raises(IntegrityError, match="damaged"):
        store.releases.find("1")
    store.backend.remove(document)
    with pytest.raises(IntegrityError, match="missing"):
        store.releases.find("1")


def test_opening_a_store(store: Store) -> None:
    assert open_store(store.url) is open_store(store.url)
    assert open_store(store.url + "/") is open_store(store.url)
    close_stores()
    assert not files(store.backend, "tmp")
    with pytest.raises(StateError, match="byleave init"):
        open_store(f"{store.url}/nowhere")
