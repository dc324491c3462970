"""Raw inputs in a bucket: the same rows as from a disk, few requests, and one line where it fails."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.fakegcs import FakeGcs
from support.faults import Reset, Status, Truncate
from support.objects import put
from support.weather import Weather
from test_inputs import LINE, line

from pipelines.raw import files, inputs, planning
from transforms.domain.errors import ConfigError, InputError
from transforms.formats import canonical, yfcc100m

ROOT = Path(__file__).parents[1]
Put = Callable[..., str]


@pytest.fixture
def bucket(gcs: FakeGcs) -> str:
    return gcs.new_bucket()


@pytest.fixture
def upload(gcs: FakeGcs, bucket: str) -> Put:
    return lambda name, data, encoding="": put(gcs.url, bucket, name, data, encoding)


@pytest.fixture
def weather(gcs: FakeGcs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weather]:
    with Weather(gcs.url) as weather:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", weather.url)
        yield weather


def lines(count: int, title: str = "a+title") -> bytes:
    return b"".join(line(str(number), title) + b"\n" for number in range(1, count + 1))


def parquet(folder: Path, groups: int = 6) -> bytes:
    """License rows in several row groups."""
    count = groups * 1000
    columns = {
        "source": ["flickr"] * count,
        "item_id": [str(number) for number in range(count)],
        "owner_id": ["1@N00"] * count,
        "license": ["CC-BY-2.0"] * count,
        "visibility": ["public"] * count,
    }
    pq.write_table(pa.table(columns), folder / "rows.parquet", row_group_size=1000)
    return (folder / "rows.parquet").read_bytes()


def taken(place: str, fmt: Any, split_bytes: int) -> tuple[list[Any], list[Any]]:
    """What tells the splits of a file, and its rows."""
    planned = planning.plan([place], fmt, split_bytes=split_bytes)
    settings = {"source": "flickr", "observed_on": "2026-11-01"}
    rows = [r for s in planned.splits for p in inputs.read(s, fmt, settings) for r in p.rows.to_pylist()]
    splits = [{**split.to_json(), "path": ""} for split in planned.splits]
    return [planned.files[0].bytes, planned.files[0].sha256, *splits], rows


@pytest.mark.parametrize("kind", ["plain", "gz", "bz2", "parquet"])
def test_a_file_is_the_same_in_a_bucket(kind: str, tmp_path: Path, upload: Put) -> None:
    data = {
        "plain": lambda: lines(2000),
        "gz": lambda: gzip.compress(lines(2000)),
        "bz2": lambda: bz2.compress(lines(2000)),
        "parquet": lambda: parquet(tmp_path),
    }[kind]()
    local = tmp_path / "file"
    local.write_bytes(data)
    fmt = canonical.LICENSES if kind == "parquet" else yfcc100m
    here, there = (taken(place, fmt, 40_000) for place in (str(local), upload("in/a b", data)))
    assert there == here
    assert len(here[1]) >= 2000
    if kind in ("plain", "parquet"):
        assert len(here[0]) > 3


def test_requests_are_few_and_ask_for_little_more_than_is_read(upload: Put, weather: Weather) -> None:
    data = (LINE + b"\n") * (24_000_000 // len(LINE))
    place = upload("big.tsv", data)
    planned = planning.plan([place], yfcc100m, split_bytes=len(data) // 4)
    before = weather.counts()
    # The beginning, and all of it: two pieces of at most 16 MiB and one read.
    assert before.total("media") <= 1 + 3
    # Where it lies is asked before and after; the driver makes three requests of that.
    assert before.total("metadata", "list") <= 6
    assert before.sent_bytes < 1.1 * len(data)
    for split in planned.splits:
        assert inputs.read_whole(split) == data[split.offset_bytes :][: split.length_bytes]
    spent = weather.counts() - before
    assert spent.total("media") == len(planned.splits)
    # Of the driver's requests where a file lies, the first answer counts; one it gave up may come in late.
    assert spent.total() - spent.total("media") <= 1
    assert len(data) <= spent.sent_bytes < 1.01 * len(data)


def test_a_parquet_file_is_read_in_blocks(tmp_path: Path, upload: Put, weather: Weather) -> None:
    data = parquet(tmp_path, 60)
    place = upload("rows.parquet", data)
    before = weather.counts()
    taken(place, canonical.LICENSES, 1 << 30)
    spent = weather.counts() - before
    assert spent.total("media") <= 3
    assert spent.sent_bytes < 3.2 * len(data)


def test_bad_weather_changes_nothing(upload: Put, weather: Weather) -> None:
    data = lines(3000)
    place = upload("rows.tsv", data)
    for nth, fault in enumerate((Status(503), Reset("answer body"), Truncate(), Status(429)), 1):
        weather.strike(fault, "media", nth={2 * nth})
    weather.strike(Reset(), "metadata", nth={1, 4})
    planned = planning.plan([place], yfcc100m, split_bytes=200_000)
    assert b"".join(map(inputs.read_whole, planned.splits)) == data
    assert sum(weather.counts().faults.values()) >= 4


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("in/*.tsv", ["in/1.tsv", "in/10.tsv", "in/2.tsv"]),
        ("in/?.tsv", ["in/1.tsv", "in/2.tsv"]),
        ("in/[12].*", ["in/1.tsv", "in/2.tsv"]),
        ("**/*.tsv", ["in/1.tsv", "in/10.tsv", "in/2.tsv", "in/deep/3.tsv"]),
        ("in/1.tsv", ["in/1.tsv"]),
    ],
)
def test_patterns_stand_for_files_in_order(upload: Put, bucket: str, pattern: str, names: list[str]) -> None:
    for name in ("in/2.tsv", "in/10.tsv", "in/1.tsv", "in/deep/3.tsv", "in/1.csv/x", "other"):
        upload(name, b"x\n")
    assert files.expand([f"gs://{bucket}/{pattern}"]) == [f"gs://{bucket}/{name}" for name in names]


def test_a_pattern_for_nothing_is_an_error_and_a_local_star_a_name(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^gs://{bucket}/\*\.tsv: no file of this pattern"):
        files.expand([f"gs://{bucket}/*.tsv"])
    assert files.expand([str(tmp_path / "*")]) == [str(tmp_path / "*")]


def test_what_is_not_there_is_named(upload: Put, bucket: str) -> None:
    upload("folder/file", b"x")
    for place, why in (
        (f"gs://{bucket}/none.tsv", "no such file"),
        ("gs://no-such-bucket/none.tsv", "no such file"),
        (f"gs://{bucket}/folder", "a directory"),
    ):
        with pytest.raises(InputError, match=rf"^{place}: {why}"):
            planning.plan([place], yfcc100m, split_bytes=1000)


@pytest.mark.parametrize("code", [401, 403, 400])
@pytest.mark.parametrize("kind", ["metadata", "media"])
def test_a_refusal_is_one_line_that_names_the_file(
    upload: Put, weather: Weather, code: int, kind: str
) -> None:
    place = upload("rows.tsv", lines(3))
    # Where an object's metadata are refused, the driver looks for it in its folder's list.
    weather.strike(Status(code), *(("metadata", "list") if kind == "metadata" else (kind,)))
    with pytest.raises(InputError, match=rf"^{place}: cannot be read \(.*the credentials") as told:
        planning.plan([place], yfcc100m, split_bytes=1000)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("after", ["plan", "read"])
def test_an_outage_ends_in_time(
    upload: Put, weather: Weather, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    monkeypatch.setenv("BYLEAVE_PATIENCE_SECONDS", "0.5")
    place = upload("rows.tsv", lines(3))
    planned = planning.plan([place], yfcc100m, split_bytes=1000)
    with (
        weather.outage(),
        pytest.raises(InputError, match=rf"^{place}: cannot be read \(no answer in time\)"),
    ):
        if after == "plan":
            planning.plan([place], yfcc100m, split_bytes=1000)
        else:
            inputs.read_whole(planned.splits[0])


def test_a_file_replaced_while_it_is_planned_is_not_pinned(upload: Put) -> None:
    """The longer one that took its place would have been read as far as the first one was long."""
    place = upload("list.txt", b"101\n102\n")
    with pytest.raises(InputError, match=rf"^{place}: changed while being read"):
        planning.plan([place], None, split_bytes=0, report=lambda _: upload("list.txt", b"101\n102\n103\n"))


def test_a_local_file_that_grows_while_it_is_planned_is_not_pinned(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"101\n")

    def grow(read: int) -> None:
        if read == len(b"101\n"):
            path.write_bytes(b"101\n102\n")

    with pytest.raises(InputError, match=rf"^{path}: changed while being read"):
        planning.plan([str(path)], None, split_bytes=0, report=grow)


def test_a_file_that_is_shorter_by_now_is_not_read(upload: Put) -> None:
    place = upload("list.txt", b"101\n102\n")
    (split,) = planning.plan([place], None, split_bytes=0).splits
    upload("list.txt", b"101\n")
    with pytest.raises(InputError, match=rf"^{place}: "):
        inputs.read_whole(split)


def test_what_is_unpacked_on_its_way_is_refused(upload: Put) -> None:
    place = upload("rows.tsv", gzip.compress(lines(3)), "gzip")
    with pytest.raises(InputError, match="Content-Encoding gzip"):
        planning.plan([place], yfcc100m, split_bytes=1000)


def test_a_driver_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^s3://b/k: needs a package that is not here \(Install s3fs"):
        files.locate("s3://b/k")
    with pytest.raises(ConfigError, match=r"^zz://b/k: no such kind of address"):
        files.locate("zz://b/k")


def test_threads_and_other_processes_read_after_one_did(tmp_path: Path, upload: Put) -> None:
    """An event loop belongs to its process: a child that took over the parent's would wait for ever."""
    place = upload("rows.tsv", b"x" * 100_000)
    program = (
        "import multiprocessing, sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from pipelines.raw import files\n"
        "def read(place):\n"
        "    with files.reading(place) as file: return len(file.read())\n"
        "if __name__ == '__main__':\n"
        "    places = [sys.argv[1]] * 8\n"
        "    with ThreadPoolExecutor(4) as pool: found = list(pool.map(read, places))\n"
        "    for way in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(way).Pool(2) as pool: found += pool.map(read, places)\n"
        "    print(found)\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", script, place],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, json.loads(done.stdout or "[]")) == ("", [100_000] * 24)
