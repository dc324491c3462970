"""What the GCS server of the tests promises, and what it does not: other tests rest on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client
from support.fakegcs import fake_gcs

RACERS = 16
ROUNDS = 20
MIB = 1 << 20

Insert = Callable[[Bucket, str, bytes, int], None]


def simple(bucket: Bucket, name: str, data: bytes, generation: int) -> None:
    """One request with nothing but the bytes; the library has no call for it."""
    answer = bucket.client._http.post(
        f"{bucket.client.api_endpoint}/upload/storage/v1/b/{bucket.name}/o",
        params={"uploadType": "media", "name": name, "ifGenerationMatch": generation},
        data=data,
        headers={"Content-Type": "application/json"},
    )
    if answer.status_code == 412:
        raise PreconditionFailed("simple")
    answer.raise_for_status()


def multipart(bucket: Bucket, name: str, data: bytes, generation: int) -> None:
    bucket.blob(name).upload_from_string(data, if_generation_match=generation, retry=None)


def resumable(bucket: Bucket, name: str, data: bytes, generation: int) -> None:
    """Chunks, of the smallest size there is: the last one publishes."""
    blob = bucket.blob(name, chunk_size=1 << 18)
    blob.upload_from_file(BytesIO(data), if_generation_match=generation, retry=None)


@pytest.fixture(scope="module", params=["memory", "disk"])
def bucket(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    folder = tmp_path_factory.mktemp("gcs") if request.param == "disk" else None
    with fake_gcs(folder) as server:
        client = Client("test", AnonymousCredentials(), client_options={"api_endpoint": server.url})
        yield client.bucket(server.new_bucket())
        client.close()


def won(bucket: Bucket, insert: Insert, name: str, generation: int, size: int) -> list[int]:
    """Which of the racers were told that theirs is the object."""
    start = threading.Barrier(RACERS)

    def race(number: int) -> bool:
        start.wait()
        try:
            insert(bucket, name, bytes([number]) * size, generation)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(RACERS) as pool:
        return [number for number, first in enumerate(pool.map(race, range(RACERS))) if first]


@pytest.mark.parametrize("insert", [simple, multipart, resumable])
def test_creating_and_replacing_have_one_winner_among_racers(bucket: Bucket, insert: Insert) -> None:
    size = 300_000 if insert is resumable else 300
    for place in range(ROUNDS // 4 if insert is resumable else ROUNDS):
        name, generation = f"{insert.__name__}/{place}", 0
        for _ in ("created", "replaced"):
            (winner,) = won(bucket, insert, name, generation, size)
            blob = bucket.get_blob(name)
            assert blob.download_as_bytes() == bytes([winner]) * size
            assert blob.generation != generation
            generation = blob.generation


def test_deleting_looks_at_no_precondition(bucket: Bucket) -> None:
    """So no test here can tell whether a promise that rests on it would hold."""
    multipart(bucket, "one", b"1", 0)
    stale = bucket.get_blob("one").generation - 1
    bucket.blob("one").delete(if_generation_match=stale)
    assert bucket.get_blob("one") is None


def test_listing_takes_pages_and_tells_folders(bucket: Bucket) -> None:
    for name in ("l/b", "l/a", "l/f/1", "l/f/2", "l/g/1"):
        multipart(bucket, name, b"", 0)
    listed = bucket.client.list_blobs(bucket, prefix="l/", delimiter="/", page_size=2)
    assert [blob.name for blob in listed] == ["l/a", "l/b"]
    assert listed.prefixes == {"l/f/", "l/g/"}


def test_ranges_are_read_and_what_is_not_there_is_not_found(bucket: Bucket) -> None:
    multipart(bucket, "ranges", bytes(range(200)), 0)
    assert bucket.blob("ranges").download_as_bytes(start=10, end=12) == b"\x0a\x0b\x0c"
    with pytest.raises(NotFound):
        bucket.blob("no").download_as_bytes()


def test_a_server_does_not_outlive_a_test_run_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from support.fakegcs import fake_gcs\n"
        "with fake_gcs() as server: print(server.url, flush=True); time.sleep(60)"
    )
    ours = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=ours, text=True)
    assert run.stdout is not None
    assert run.stdout.readline().startswith("http://")
    (server,) = psutil.Process(run.pid).children()
    assert server.is_running()
    run.send_signal(signal.SIGKILL)
    run.communicate()
    deadline = time.monotonic() + 10
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
