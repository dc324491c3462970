"""Each kind of weather is what it says it is, as real clients see it."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import google_crc32c
import pytest
import requests
from google.api_core.exceptions import (
    BadRequest,
    GoogleAPICallError,
    InternalServerError,
    PreconditionFailed,
    ServiceUnavailable,
    TooManyRequests,
)
from google.cloud.storage import Bucket, Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY
from support.cloud import Cloud
from support.faults import Delay, Fault, Flip, Reset, Stall, Status, Truncate, WrongHash
from support.weather import STORM, Weather

CONTENT = bytes(range(256)) * 1500
CHUNK = 1 << 18
# The library's own, without its waits.
RETRY = DEFAULT_RETRY.with_delay(0.01, 0.02)


@pytest.fixture
def bucket(cloud: Cloud, weather: Weather, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    # Else the library asks for the bucket's metadata, in a thread, to label traces that nobody takes.
    monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    client = Client()
    yield client.bucket(cloud.new_bucket())
    client.close()


def put(bucket: Bucket, name: str = "x", data: bytes = CONTENT, **options: Any) -> None:
    """In one request, tried once."""
    options = {"if_generation_match": 0, "retry": None, **options}
    bucket.blob(name).upload_from_string(data, **options)


def put_chunks(bucket: Bucket, name: str = "x", data: bytes = CONTENT, **options: Any) -> None:
    """In two chunks, by the library's own ways to go on."""
    options = {"if_generation_match": 0, **options}
    bucket.blob(name, chunk_size=CHUNK).upload_from_file(BytesIO(data), **options)


def get(bucket: Bucket, name: str = "x", **options: Any) -> bytes:
    data: bytes = bucket.blob(name).download_as_bytes(**{"retry": None, **options})
    return data


def is_there(bucket: Bucket, name: str = "x") -> bool:
    return bucket.blob(name).exists()


# --- A request that fares badly is seen once, and leaves what it should ------------------------------------

LOST: list[tuple[Fault, type[Exception], bool]] = [
    (Status(429), TooManyRequests, False),
    (Status(503), ServiceUnavailable, False),
    (Status(500), InternalServerError, False),
    (Status(503, after=True), ServiceUnavailable, True),
    (Status(412, after=True), PreconditionFailed, True),
    (Reset("request"), requests.ConnectionError, False),
    (Reset("request body"), requests.ConnectionError, False),
    (Reset("answer"), requests.ConnectionError, True),
    (Stall(0.2), requests.ConnectionError, False),
    (Stall(0.2, after=True), requests.ConnectionError, True),
    (Flip(upload=True), BadRequest, False),
]


@pytest.mark.parametrize(("fault", "error", "stands"), LOST, ids=str)
def test_what_befalls_an_insert(
    bucket: Bucket, weather: Weather, fault: Fault, error: type[Exception], stands: bool
) -> None:
    rule = weather.strike(fault, "insert")
    with pytest.raises(error) as caught:
        put(bucket)
    if isinstance(caught.value, GoogleAPICallError) and isinstance(fault, Status):
        assert caught.value.code == fault.code
    assert (rule.seen, rule.struck) == (1, 1)
    assert is_there(bucket) == stands
    if stands:
        assert get(bucket) == CONTENT


SPOILT: list[tuple[Fault, type[Exception]]] = [
    (Reset("answer body"), requests.RequestException),
    (Truncate(), requests.RequestException),
    (Flip(), DataCorruption),
    (WrongHash(), DataCorruption),
    (Stall(0.2), requests.ConnectionError),
]


@pytest.mark.parametrize(("fault", "error"), SPOILT, ids=str)
def test_what_befalls_an_answer_on_its_way(
    bucket: Bucket, weather: Weather, fault: Fault, error: type[Exception]
) -> None:
    put(bucket)
    weather.strike(fault, "media", nth={2})
    assert get(bucket) == CONTENT
    with pytest.raises(error):
        get(bucket)
    assert get(bucket) == CONTENT


@pytest.mark.parametrize("fault", [Truncate(), Flip()], ids=str)
def test_how_an_answer_is_spoilt(bucket: Bucket, weather: Weather, fault: Fault) -> None:
    """Seen without a library that may look at it in its own way."""
    put(bucket)
    weather.strike(fault, "media")
    connection = http.client.HTTPConnection(weather.url.removeprefix("http://"), timeout=10)
    connection.request("GET", f"/download/storage/v1/b/{bucket.name}/o/x?alt=media")
    answer = connection.getresponse()
    stated = f"crc32c={base64.b64encode(google_crc32c.Checksum(CONTENT).digest()).decode()}"
    assert answer.status == 200
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert stated in answer.headers["x-goog-hash"]
    try:
        got = answer.read()
    except http.client.IncompleteRead as error:
        got = error.partial
    connection.close()
    if isinstance(fault, Truncate):
        assert got == CONTENT[: len(CONTENT) // 2]
    else:
        differing = [place for place in range(len(CONTENT)) if got[place] != CONTENT[place]]
        assert differing == [len(CONTENT) // 2]
        assert len(got) == len(CONTENT)


def test_an_answer_may_say_when_to_come_again(bucket: Bucket, weather: Weather) -> None:
    weather.strike(Status(429, retry_after=7), "insert", nth={1})
    weather.strike(Status(429), "insert", nth={2})
    for expected in ("7", None):
        with pytest.raises(TooManyRequests) as caught:
            put(bucket)
        assert caught.value.response.headers.get("Retry-After") == expected


def test_a_stall_and_a_delay_last_as_long_as_they_say(bucket: Bucket, weather: Weather) -> None:
    put(bucket)
    weather.strike(Delay(0.4), "media", nth={1})
    weather.strike(Stall(30), "media", nth={2})
    begun = time.monotonic()
    assert get(bucket) == CONTENT
    assert 0.4 <= time.monotonic() - begun < 5
    with pytest.raises(requests.ReadTimeout):
        get(bucket, timeout=0.3)


def test_in_an_outage_connections_break_and_new_ones_are_refused(bucket: Bucket, weather: Weather) -> None:
    put(bucket)
    with weather.outage():
        for _ in range(3):
            with pytest.raises(requests.ConnectionError):
                get(bucket)
        with pytest.raises(requests.ConnectionError, match="refused"):
            requests.get(weather.url, timeout=5)
    assert get(bucket) == CONTENT


@pytest.mark.parametrize("fault", [*STORM, Stall(0.1, after=True)], ids=str)
def test_the_library_gets_over_what_happens_once(bucket: Bucket, weather: Weather, fault: Fault) -> None:
    for kind in ("insert", "media"):
        rule = weather.strike(fault, kind, nth={1})
        if kind == "insert":
            put(bucket, if_generation_match=None, retry=RETRY)
        assert get(bucket, retry=RETRY) == CONTENT
        assert rule.struck == 1


def test_our_own_commit_may_come_back_as_a_412(bucket: Bucket, weather: Weather) -> None:
    weather.strike(Status(503, after=True), "insert", nth={1})
    with pytest.raises(PreconditionFailed):
        put(bucket, retry=RETRY)
    assert get(bucket) == CONTENT


# --- Resumable uploads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize(
    "fault",
    [
        Status(503),
        Status(503, after=True),
        Reset("request body"),
        Reset("answer"),
        Stall(0.05, after=True),
        Truncate(),
    ],
    ids=str,
)
def test_an_upload_goes_on_where_it_was(bucket: Bucket, weather: Weather, fault: Fault, nth: int) -> None:
    """As with the real service: what came is not taken twice, and what is complete says so again."""
    rule = weather.strike(fault, "chunk", nth={nth})
    put_chunks(bucket, retry=RETRY)
    assert rule.struck == 1
    assert get(bucket) == CONTENT


def test_where_an_upload_goes_on_leads_through_the_weather(bucket: Bucket, weather: Weather) -> None:
    assert bucket.blob("x").create_resumable_upload_session().startswith(f"{weather.url}/upload/")


def test_an_upload_is_told_how_much_of_it_has_come(bucket: Bucket, weather: Weather) -> None:
    url = bucket.blob("x").create_resumable_upload_session(if_generation_match=0)

    def send(stated: str, data: bytes = b"") -> requests.Response:
        return requests.put(url, data, headers={"Content-Range": stated}, allow_redirects=False, timeout=10)

    size = len(CONTENT)
    asked = send("bytes */*")
    assert (asked.status_code, asked.headers.get("Range")) == (308, None)
    assert send(f"bytes 0-{CHUNK - 1}/{size}", CONTENT[:CHUNK]).status_code == 308
    for stated in ("bytes */*", f"bytes */{size}"):
        asked = send(stated)
        assert (asked.status_code, asked.headers["Range"]) == (308, f"bytes=0-{CHUNK - 1}")
    assert not is_there(bucket)
    for come in (CHUNK, 100):
        again = send(f"bytes 0-{come - 1}/{size}", CONTENT[:come])
        assert (again.status_code, again.headers["Range"]) == (308, f"bytes=0-{CHUNK - 1}")
    assert send(f"bytes {CHUNK + 5}-{size - 1}/{size}", CONTENT[CHUNK + 5 :]).status_code == 400
    overlapping = send(f"bytes {CHUNK - 9}-{size - 1}/{size}", CONTENT[CHUNK - 9 :])
    assert overlapping.status_code == 200
    assert get(bucket) == CONTENT
    assert send("bytes */*").json() == overlapping.json()


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("stated", ["when it begins", "with its last chunk"])
def test_an_upload_that_arrived_otherwise_than_it_left_is_refused(
    bucket: Bucket, weather: Weather, nth: int, stated: str
) -> None:
    crc32c = base64.b64encode(google_crc32c.Checksum(CONTENT).digest()).decode()
    sums = {"checksum": None, "crc32c_checksum_value": crc32c} if stated == "when it begins" else {}
    weather.strike(Flip(upload=True), "chunk", nth={nth})
    with pytest.raises(BadRequest, match="CRC32C"):
        put_chunks(bucket, **sums)
    assert not is_there(bucket)
    weather.clear()
    put_chunks(bucket, **sums)
    assert get(bucket) == CONTENT


# --- Rules and counts --------------------------------------------------------------------------------------


def test_a_rule_is_for_kinds_and_names_of_objects(bucket: Bucket, weather: Weather) -> None:
    rule = weather.strike(Status(503), "insert", "begin", path=r"/releases/\d+\.json$")
    put(bucket, "s/datasets/d/releases/x.json")
    put(bucket, "s/blobs/1")
    for act in (put, put_chunks):
        with pytest.raises(ServiceUnavailable):
            act(bucket, "s/datasets/d/releases/1.json", retry=None)
    assert not is_there(bucket, "s/datasets/d/releases/1.json")
    assert (rule.seen, rule.struck) == (2, 2)


def _struck(bucket: Bucket, weather: Weather, names: list[str], seed: int, share: float = 0.3) -> list[str]:
    weather.clear()
    weather.strike(Status(503), "metadata", share=share, seed=seed)
    found = []
    for name in names:
        try:
            bucket.blob(name).exists(retry=None)
        except ServiceUnavailable:
            found.append(name)
    return found


def test_what_is_drawn_hangs_on_the_seed_and_not_on_the_order(bucket: Bucket, weather: Weather) -> None:
    names = [f"n/{number}" for number in range(120)]
    first = _struck(bucket, weather, names, seed=1)
    assert 20 <= len(first) <= 55
    assert set(_struck(bucket, weather, names[::-1], seed=1)) == set(first)
    assert set(_struck(bucket, weather, names, seed=2)) != set(first)
    assert _struck(bucket, weather, names, seed=1, share=0.0) == []
    assert 5 <= len(_struck(bucket, weather, ["one"] * 40, seed=1)) <= 25, "each try is drawn for itself"


def test_a_storm_holds_each_fault_about_as_often_as_it_should(bucket: Bucket, weather: Weather) -> None:
    weather.storm(0.5, seed=3)
    before, hurt = weather.counts(), 0
    for number in range(300):
        try:
            bucket.blob(f"n/{number}").exists(retry=None)
        except (GoogleAPICallError, requests.RequestException):
            hurt += 1
    faults = (weather.counts() - before).faults
    assert 110 <= faults.total() <= 190
    assert faults.keys() == {type(fault).__name__ for fault in STORM}
    # Half of an empty body is as good as all of it.
    assert hurt <= faults.total()


def test_requests_are_counted_by_kind_and_folder(bucket: Bucket, weather: Weather) -> None:
    before = weather.counts()
    put(bucket, "s/blobs/sha256/ab/1")
    put(bucket, "s/memo/Cut/ab/1.json", b"{}")
    put_chunks(bucket, "s/blobs/sha256/ab/2")
    get(bucket, "s/blobs/sha256/ab/1")
    get(bucket, "s/memo/Cut/ab/1.json", start=0, end=0)
    assert is_there(bucket, "s/datasets/d/dataset.json") is False
    list(bucket.client.list_blobs(bucket, prefix="s/datasets/d/releases/"))
    bucket.blob("s/memo/Cut/ab/1.json").delete()
    counted = weather.counts() - before
    assert counted.requests == {
        ("POST", "insert", "blobs"): 1,
        ("POST", "insert", "memo"): 1,
        ("POST", "begin", "blobs"): 1,
        ("PUT", "chunk", "blobs"): 2,
        ("GET", "media", "blobs"): 1,
        ("GET", "media", "memo"): 1,
        ("GET", "metadata", "datasets"): 1,
        ("GET", "list", "datasets"): 1,
        ("DELETE", "delete", "memo"): 1,
    }
    assert counted.total() == 10
    assert counted.total("insert", "begin", folder="blobs") == 2
    assert counted.received_bytes >= 2 * len(CONTENT)
    assert counted.sent_bytes >= len(CONTENT)
    assert "chunk     blobs             2" in str(counted)


# --- gcsfs -------------------------------------------------------------------------------------------------


@pytest.fixture
def files(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Any:
    """gcsfs that tries once."""
    import gcsfs

    gcsfs.GCSFileSystem.clear_instance_cache()
    monkeypatch.setattr(gcsfs.GCSFileSystem, "_request", gcsfs.GCSFileSystem._request.__wrapped__)
    return gcsfs.GCSFileSystem(token="anon", skip_instance_cache=True)


@pytest.mark.parametrize(
    ("fault", "sees"),
    [
        (Status(429), "HttpError"),
        (Status(503), "HttpError"),
        (Reset("request"), "ClientOSError|ServerDisconnectedError"),
        (Reset("answer"), "ClientOSError|ServerDisconnectedError"),
        (Reset("answer body"), "ClientPayloadError|ClientOSError"),
        (Truncate(), "ClientPayloadError"),
        (Stall(0.2), "ClientOSError|ServerDisconnectedError"),
    ],
    ids=str,
)
def test_what_gcsfs_sees(bucket: Bucket, weather: Weather, files: Any, fault: Fault, sees: str) -> None:
    put(bucket)
    # Always: aiohttp itself asks once more where a connection that it kept breaks.
    weather.strike(fault, "media")
    with pytest.raises(Exception) as caught:  # noqa: PT011  aiohttp's, which are not one family
        files.cat_file(f"{bucket.name}/x")
    weather.clear()
    assert type(caught.value).__name__ in sees.split("|"), repr(caught.value)
    assert files.cat_file(f"{bucket.name}/x") == CONTENT


def test_gcsfs_reads_and_lists_through_the_weather(bucket: Bucket, weather: Weather, files: Any) -> None:
    put(bucket, "f/1.tsv")
    before = weather.counts()
    with files.open(f"{bucket.name}/f/1.tsv", "rb") as file:
        file.seek(1000)
        assert file.read(8) == CONTENT[1000:1008]
    assert files.glob(f"{bucket.name}/f/*.tsv") == [f"{bucket.name}/f/1.tsv"]
    counted = weather.counts() - before
    assert counted.total("media") == 1
    assert counted.total("list")


def test_gcsfs_does_not_notice_a_flipped_bit(bucket: Bucket, weather: Weather, files: Any) -> None:
    """Who reads with it has to hold what was read to a digest."""
    put(bucket)
    weather.strike(Flip(), "media", nth={1})
    assert files.cat_file(f"{bucket.name}/x") != CONTENT
