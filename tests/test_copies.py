"""Copies of blobs for queries over a store elsewhere: verified, and gone when the query is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from support.fakegcs import FakeGcs
from support.faults import Delay
from support.weather import Weather

from pipelines.catalog.copies import Copies, copies
from pipelines.catalog.queries import ask
from pipelines.catalog.views import open_catalog
from pipelines.commands.query import sql
from pipelines.progress import UNWATCHED
from pipelines.store.blobs import Blob
from pipelines.store.store import Dataset, Store, close_stores, create_store
from pipelines.store.tables import MANIFESTS, Table
from transforms.domain import schemas
from transforms.domain.errors import ConfigError, IntegrityError, StateError

ROOT = Path(__file__).parents[1]
ASKED = "select count(*) as n from manifest"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("BYLEAVE_CACHE", raising=False)
    yield folder
    tempfile.tempdir = None


@pytest.fixture
def store(gcs: FakeGcs, temporary: Path) -> Iterator[Store]:
    """A store in a bucket, with a manifest of two blobs."""
    made = create_store(f"gs://{gcs.new_bucket()}/store", Dataset("d", "flickr", 4))
    buckets = {number: made.blobs.put_table(manifest(number), schemas.MANIFEST) for number in range(2)}
    made.tables.commit(Table(MANIFESTS, "m", buckets=buckets, counts={"rows": 8}))
    yield made
    close_stores()


def manifest(bucket: int) -> pa.Table:
    texts = pa.array([f"{bucket}{number}" for number in range(4)])
    columns = [pa.nulls(4, f.type) if f.nullable else texts for f in schemas.MANIFEST]
    return pa.table(columns, schema=schemas.MANIFEST)


def blobs(store: Store) -> list[Blob]:
    return list(store.tables.get(MANIFESTS, "m").buckets.values())


def left(folder: Path) -> list[Path]:
    """What lies in a folder, but for the empty folder that the next query uses."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_no_copy_is_left(store: Store, temporary: Path) -> None:
    with open_catalog(store, needed=["manifest"]) as connection:
        assert len(left(temporary)) == 3  # two blobs, and the lock
        assert connection.sql(ASKED).fetchall() == [(8,)]
    assert left(temporary) == []
    with pytest.raises(ConfigError):
        list(ask(store, "select nothing from manifest"))
    with contextlib.closing(ask(store, "select item_id from manifest", how="csv")) as answer:
        next(answer)
        assert left(temporary)
    assert left(temporary) == []
    (folder,) = temporary.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_damaged_blob_is_not_copied(store: Store, temporary: Path) -> None:
    blob = blobs(store)[0]
    store.backend.remove(blob.path)
    store.backend.create(blob.path, b"other bytes")
    with pytest.raises(IntegrityError, match=blob.digest):
        list(ask(store, ASKED))
    store.backend.remove(blob.path)
    with pytest.raises(IntegrityError, match="missing"):
        list(ask(store, ASKED))
    assert left(temporary) == []


def test_a_cache_is_kept_and_verified(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("BYLEAVE_CACHE", str(cache))
    assert list(ask(store, ASKED, how="csv")) == ['"n"', "8"]
    kept = [cache / blob.path for blob in blobs(store)]
    assert left(cache) == sorted(path.relative_to(cache) for path in kept)
    kept[0].write_bytes(b"other bytes")
    before = kept[1].stat()
    assert list(ask(store, ASKED, how="csv")) == ['"n"', "8"]
    assert kept[0].read_bytes() == store.blobs.read(blobs(store)[0])
    assert kept[1].stat() == before
    # What is in the cache is not asked for: the store need not even have it any more.
    store.backend.remove(blobs(store)[1].path)
    assert list(ask(store, ASKED, how="csv")) == ['"n"', "8"]


def test_a_folder_that_others_can_open_is_refused(store: Store, temporary: Path) -> None:
    folder = temporary / f"byleave-{os.getuid()}"
    folder.mkdir(mode=0o700)
    folder.chmod(0o755)
    with pytest.raises(StateError, match=f"^{folder}: "):
        list(ask(store, ASKED))
    assert left(temporary) == []


def test_a_local_store_is_not_copied(tmp_path: Path, temporary: Path) -> None:
    made = create_store(str(tmp_path / "local"), Dataset("d", "flickr", 4))
    blob = made.blobs.put_table(manifest(1), schemas.MANIFEST)
    with copies(made) as files:
        files.fetch([blob], UNWATCHED)
        assert files.path(blob) == str(tmp_path / "local" / blob.path)
    assert left(temporary) == []
    assert isinstance(files, Copies)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_what_an_interrupted_query_leaves(
    store: Store, gcs: FakeGcs, temporary: Path, end: signal.Signals
) -> None:
    """Nothing after Ctrl-C; after `kill -9` until the next query."""
    with Weather(gcs.url) as weather:
        weather.strike(Delay(1.0), "media", path=blobs(store)[1].digest)
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "sql", store.url, ASKED],
            cwd=ROOT,
            env={**os.environ, "STORAGE_EMULATOR_HOST": weather.url},
            stderr=subprocess.PIPE,
        )
        wanted = blobs(store)[0].digest
        deadline = time.monotonic() + 20
        while not any(path.stem == wanted for path in left(temporary)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(end)
        told = process.communicate(timeout=20)[1].decode()
    assert ("byleave: interrupted" in told) == (end == signal.SIGINT)
    assert bool(left(temporary)) == (end == signal.SIGKILL)
    list(ask(store, ASKED))
    assert left(temporary) == []


def test_nothing_is_left_where_the_answer_is_interrupted(
    store: Store, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C the program ends at once: what nobody closed by then would stay."""

    def interrupt(_: str) -> None:
        assert left(temporary)
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.commands.query.click.echo", interrupt)
    with pytest.raises(KeyboardInterrupt) as held:
        sql.callback(store.url, ASKED, None, None, None)  # type: ignore[misc]
    assert held.tb
    assert left(temporary) == []
