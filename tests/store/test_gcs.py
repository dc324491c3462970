"""What only a bucket has: answers that are lost, damaged or late, and what each request costs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import io
import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cloud import Cloud
from support.faults import Fault, Flip, Reset, Stall, Status, Truncate, WrongHash
from support.weather import Weather

from pipelines.store import gcs
from pipelines.store.gcs import GcsBackend
from pipelines.store.ranges import RangeFile
from transforms.domain.errors import (
    ByleaveError,
    ConfigError,
    IntegrityError,
    StateError,
    UnreachableError,
)

MIB = 1 << 20
HURRIED_S = 0.6


@pytest.fixture
def url(cloud: Cloud) -> str:
    return f"gs://{cloud.new_bucket()}/a/store"


@pytest.fixture
def backend(url: str) -> Iterator[GcsBackend]:
    opened = GcsBackend(url, patience_s=5)
    yield opened
    opened.close()


@pytest.fixture
def hurried(url: str) -> Iterator[GcsBackend]:
    opened = GcsBackend(url, patience_s=HURRIED_S)
    yield opened
    opened.close()


def upload(backend: GcsBackend, path: str, content: bytes) -> bool:
    with backend.upload(".bin") as sink:
        sink.file.write(content)
        return sink.create(path)


# --- A write whose answer is lost or wrong -----------------------------------------------------------------

BAD_ANSWERS: list[Fault] = [
    Status(429),
    Status(503),
    Status(408),
    Status(503, after=True),
    Status(500, after=True),
    Status(412, after=True),
    Status(409, after=True),
    Reset("request"),
    Reset("request body"),
    Reset("answer"),
    Reset("answer body"),
    Truncate(),
    Stall(9, after=True),
    Flip(upload=True),
]


def name_of(value: object) -> str | None:
    return re.sub(r"\W+", "-", str(value)).strip("-") if not isinstance(value, str) else None


@pytest.mark.parametrize("fault", BAD_ANSWERS, ids=name_of)
def test_our_own_write_is_known_as_ours_whatever_the_answer(
    backend: GcsBackend, weather: Weather, fault: Fault
) -> None:
    rule = weather.strike(fault, "insert", nth={1, 2})
    assert backend.create("a", b"ours" * 100)
    assert rule.struck == 2 or isinstance(fault, Status | Reset | Truncate | Stall)
    assert rule.struck
    assert backend.read("a") == b"ours" * 100
    weather.clear()

    found = backend.read_generation("a")
    assert found
    rule = weather.strike(fault, "insert", nth={1})
    assert backend.replace("a", b"new" * 100, found[1])
    assert rule.struck == 1
    assert not backend.replace("a", b"stale" * 100, found[1])
    assert backend.read("a") == b"new" * 100


@pytest.mark.parametrize("kind", ["begin", "chunk"])
@pytest.mark.parametrize("fault", BAD_ANSWERS, ids=name_of)
def test_a_large_object_is_known_as_ours_whatever_the_answer(
    backend: GcsBackend, weather: Weather, fault: Fault, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend._objects, "_chunk_bytes", 4 * MIB)
    content = bytes(range(256)) * (9 * MIB // 256)
    if kind == "begin" and isinstance(fault, Flip):
        kind = "chunk"  # what begins an upload holds no content
    rule = weather.strike(fault, kind, nth={1, 3})
    assert upload(backend, "blobs/a", content)
    assert rule.struck
    assert backend.read("blobs/a") == content


def test_bytes_that_the_store_keeps_wrong_are_no_success(
    backend: GcsBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A store holds them to the checksum that was declared; this is for one that does not.
    put = backend._objects.put
    monkeypatch.setattr(backend._objects, "put", lambda *args: ("AAAAAA==", put(*args)[1]))
    with pytest.raises(IntegrityError, match=f"{backend.url}/a: the store has kept other bytes .* Delete"):
        upload(backend, "a", b"x" * 9 * MIB)


@pytest.mark.parametrize("fault", BAD_ANSWERS, ids=name_of)
@pytest.mark.parametrize("size", [10, 9 * MIB])
def test_what_another_wrote_is_never_taken_for_ours(
    backend: GcsBackend, weather: Weather, fault: Fault, size: int
) -> None:
    assert backend.create("a", b"theirs")
    rule = weather.strike(fault, "insert", "chunk", nth={1})
    assert not upload(backend, "a", b"x" * size)
    assert rule.struck == 1
    assert backend.read("a") == b"theirs"


def test_a_replacement_that_another_overtook_is_told_so(backend: GcsBackend, weather: Weather) -> None:
    backend.create("a", b"0")
    found = backend.read_generation("a")
    assert found
    assert backend.replace("a", b"1", found[1])
    weather.strike(Status(503), "insert", nth={1})
    assert not backend.replace("a", b"2", found[1])
    backend.remove("a")
    weather.strike(Status(503), "insert", nth={1})
    assert not backend.replace("a", b"3", found[1])
    assert not backend.exists("a")


# --- A read that arrives broken ----------------------------------------------------------------------------

BROKEN_READS: list[Fault] = [
    Status(429),
    Status(503),
    Reset("request"),
    Reset("answer"),
    Reset("answer body"),
    Truncate(),
    Stall(9),
    Flip(),
    WrongHash(),
]


@pytest.mark.parametrize("fault", BROKEN_READS, ids=name_of)
def test_a_broken_read_is_made_again(backend: GcsBackend, weather: Weather, fault: Fault) -> None:
    content = bytes(range(256)) * 4096
    backend.create("a", content)
    rule = weather.strike(fault, "media", nth={1, 2})
    assert backend.read("a") == content
    assert rule.struck == 2
    weather.clear()
    rule = weather.strike(fault, "media", nth={1})
    with backend.open("a", len(content)) as file:
        assert file.read() == content
    assert rule.struck == 1


@pytest.mark.parametrize("fault", [Flip(), WrongHash()], ids=name_of)
def test_what_is_damaged_each_time_is_no_data(hurried: GcsBackend, weather: Weather, fault: Fault) -> None:
    hurried.create("a", b"content" * 1000)
    weather.strike(fault, "media")
    with pytest.raises(IntegrityError, match=f"{hurried.url}/a: what arrives"):
        hurried.read("a")


def test_a_range_is_whole_or_an_error(backend: GcsBackend, hurried: GcsBackend, weather: Weather) -> None:
    content = bytes(range(256)) * 40
    backend.create("a", content)
    for fault in (Reset("answer body"), Truncate(), Status(503)):
        rule = weather.strike(fault, "media", nth={1})
        assert backend.read_range("a", 1000, 5000) == content[1000:6000]
        assert rule.struck == 1
    for offset, length in ((10_000, 500), (20_000, 10)):
        with pytest.raises(IntegrityError, match="/a: "):
            hurried.read_range("a", offset, length)


# --- No answer at all --------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[GcsBackend], object]] = {
    "create": lambda backend: backend.create("x/y", b"1"),
    "upload": lambda backend: upload(backend, "x/y", b"1" * 9 * MIB),
    "replace": lambda backend: backend.replace("x/y", b"2", None),
    "read": lambda backend: backend.read("x/y"),
    "exists": lambda backend: backend.exists("x/y"),
    "remove": lambda backend: backend.remove("x/y"),
    "open": lambda backend: backend.open("x/y"),
    "range": lambda backend: backend.read_range("x/y", 0, 1),
    "list": lambda backend: list(backend.list("x/y")),
    "folders": lambda backend: list(backend.folders("x/y")),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("silent", [False, True])
def test_an_outage_ends_in_time_and_names_the_object(
    hurried: GcsBackend, weather: Weather, call: str, silent: bool
) -> None:
    outage = contextlib.nullcontext() if silent else weather.outage()
    if silent:
        weather.strike(Stall(30))
    began = time.monotonic()
    with outage, pytest.raises(UnreachableError) as caught:
        CALLS[call](hurried)
    assert time.monotonic() - began < 1.7 * HURRIED_S + 1
    assert f"{hurried.url}/x/y: the store did not answer" in str(caught.value)
    assert "run the same command again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_threads_find_out_about_an_outage_together(url: str, weather: Weather) -> None:
    patience_s = 2.0
    backend = GcsBackend(url, patience_s=patience_s)
    backend.exists("warm")

    def ask(number: int) -> float:
        time.sleep(number * patience_s / 4)
        with pytest.raises(UnreachableError):
            backend.exists(f"x/{number}")
        return time.monotonic()

    with weather.outage(), concurrent.futures.ThreadPoolExecutor(8) as pool:
        began = time.monotonic()
        ended = [at - began for at in pool.map(ask, range(8))]
    # The last one came after the first had given up.
    assert ended[0] < patience_s * 1.2
    assert ended[-1] < patience_s * (7 / 4 + 0.5)
    # One that is over is forgotten: the next one gets all the patience that there is.
    assert not backend.exists("x")
    began = time.monotonic()
    with weather.outage(), pytest.raises(UnreachableError):
        backend.exists("x")
    assert time.monotonic() - began > patience_s * 0.7
    backend.close()


# --- What the operator is told -----------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_is_named(cloud: Cloud) -> None:
    backend = GcsBackend("gs://nowhere-at-all/store")
    calls: list[Callable[[], object]] = [
        lambda: backend.create("a", b"1"),
        lambda: upload(backend, "a", b"1" * 9 * MIB),
        lambda: list(backend.list("a")),
    ]
    for call in calls:
        with pytest.raises(StateError, match="there is no bucket gs://nowhere-at-all. Create it with"):
            call()
    backend.close()


@pytest.mark.parametrize("call", CALLS)
def test_a_bucket_that_refuses_is_named_with_the_cure(
    backend: GcsBackend, weather: Weather, call: str
) -> None:
    weather.strike(Status(403))
    with pytest.raises(StateError, match=r"x/y: gs://[-\w]+ does not allow this .*roles/storage.objectUser"):
        CALLS[call](backend)
    weather.clear()
    weather.strike(Status(401))
    with pytest.raises(ConfigError, match="credentials are not accepted"):
        CALLS[call](backend)


def test_without_credentials_the_operator_is_told_how_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(ConfigError, match=r"gs://b/s: .*gcloud auth application-default login"):
        GcsBackend("gs://b/s")


@pytest.mark.parametrize("address", ["localhost:1", "ftp://localhost:1", "http://"])
def test_an_address_that_is_none_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    backend = GcsBackend("gs://b/s", patience_s=2)
    with pytest.raises(ByleaveError):
        backend.exists("a")
    backend.close()


def test_without_the_compiled_checksum_nothing_begins(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    monkeypatch.setattr("google_crc32c.implementation", "python")
    with pytest.raises(ConfigError, match="google-crc32c"):
        GcsBackend("gs://b/s")


@pytest.mark.parametrize(
    ("given", "normal"), [("gs://b", "gs://b"), ("gs://b/", "gs://b"), ("gs://b//c/d/", "gs://b/c/d")]
)
def test_one_store_has_one_url(cloud: Cloud, given: str, normal: str) -> None:
    assert GcsBackend(given).url == normal


def test_a_url_without_a_bucket_is_refused() -> None:
    with pytest.raises(ConfigError, match="name a bucket"):
        GcsBackend("gs:///path")


# --- What it costs -----------------------------------------------------------------------------------------


def test_each_call_costs_as_few_requests_as_it_can(backend: GcsBackend, weather: Weather) -> None:
    def cost(call: Callable[[], object]) -> list[str]:
        before = weather.counts()
        call()
        spent = weather.counts() - before
        return sorted(kind for (_, kind, _), count in spent.requests.items() for _ in range(count))

    large = b"x" * 20 * MIB
    assert cost(lambda: backend.create("blobs/a", b"1")) == ["insert"]
    assert cost(lambda: backend.create("blobs/a", b"2")) == ["insert", "media"]
    assert cost(lambda: upload(backend, "blobs/b", b"1" * MIB)) == ["insert"]
    assert cost(lambda: upload(backend, "blobs/c", large)) == ["begin", "chunk", "chunk"]
    assert cost(lambda: backend.exists("blobs/a")) == ["metadata"]
    assert cost(lambda: backend.read("blobs/a")) == ["media"]
    assert cost(lambda: backend.read_generation("blobs/a")) == ["media"]
    assert cost(lambda: backend.open("blobs/c", len(large)).read()) == ["media"]
    assert cost(lambda: backend.open("blobs/c").read()) == ["media", "metadata"]
    assert cost(lambda: backend.read_range("blobs/c", 5 * MIB, 100)) == ["media"]
    assert cost(lambda: list(backend.list("blobs"))) == ["list"]
    assert cost(lambda: backend.remove("blobs/a")) == ["delete"]


def test_a_range_moves_its_bytes_and_no_others(backend: GcsBackend, weather: Weather) -> None:
    backend.create("a", b"x" * MIB)
    before = weather.counts()
    backend.read_range("a", 1000, 50_000)
    assert (weather.counts() - before).sent_bytes == 50_000


def test_an_object_too_large_for_one_request_is_read_in_blocks(
    backend: GcsBackend, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "_WHOLE_BYTES", 8 * MIB)
    content = bytes(range(256)) * (20 * MIB // 256)
    upload(backend, "a", content)
    before = weather.counts()
    with backend.open("a", len(content)) as file:
        assert file.read_at(1000, 19 * MIB) == content[19 * MIB :][:1000]
        file.seek(0)
        pieces = []
        while piece := file.read(MIB + 7):
            pieces.append(piece)
    assert b"".join(pieces) == content
    assert (weather.counts() - before).total("media") == 3
    with pytest.raises(FileNotFoundError):
        backend.open("nowhere", len(content))


def test_listings_come_in_pages(url: str, weather: Weather) -> None:
    backend = GcsBackend(url, page_paths=3)
    files = [f"f/{number:02}" for number in range(10)]
    folders = [f"f/g{number:02}" for number in range(8)]
    for path in [*files, *(f"{folder}/a" for folder in folders)]:
        backend.create(path, b"")
    weather.strike(Status(503), "list", nth={2, 3, 6})
    assert list(backend.list("f")) == files
    assert list(backend.folders("f")) == folders
    before = weather.counts()
    assert next(iter(backend.list("f"))) == files[0]
    assert (weather.counts() - before).total("list") <= 2
    backend.close()


def test_many_threads_share_connections(url: str, caplog: pytest.LogCaptureFixture) -> None:
    backend = GcsBackend(url)
    start = threading.Barrier(48)

    def ask(number: int) -> bool:
        start.wait()
        return backend.create(f"t/{number}", b"x" * 1000) and backend.exists(f"t/{number}")

    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        assert all(pool.map(ask, range(48)))
    assert len(list(backend.list("t"))) == 48
    assert not [record for record in caplog.records if "pool is full" in record.message]
    backend.close()


# --- Reading in blocks -------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 40)),
        st.tuples(st.just("seek"), st.integers(0, 120)),
        st.tuples(st.just("back"), st.integers(0, 20)),
    ),
    max_size=12,
)


@given(content=st.binary(max_size=100), block=st.integers(1, 30), steps=STEPS)
def test_reads_in_blocks_are_those_of_a_file(
    content: bytes, block: int, steps: list[tuple[str, int]]
) -> None:
    def read_range(offset: int, length: int) -> bytes:
        assert 0 <= offset < offset + length <= len(content)
        return content[offset : offset + length]

    ours, plain = RangeFile(read_range, len(content), block), io.BytesIO(content)
    for step, number in steps:
        if step == "read":
            assert ours.read(number) == plain.read(number)
        elif step == "seek":
            assert ours.seek(number) == plain.seek(number)
        else:
            assert ours.seek(-min(number, len(content)), io.SEEK_END) == plain.seek(
                -min(number, len(content)), io.SEEK_END
            )
        assert ours.tell() == plain.tell()
