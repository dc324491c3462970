"""`byleave drift` over a store of two snapshots: its numbers are theirs, and its files whole."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from byhand import ByHand

from pipelines.cli import main, run
from pipelines.store.store import close_stores
from pipelines.synth import synthesize
from transforms.domain.license_changes import compare

FIRST, LAST = "2025-06-01", "2026-11-01"
BETWEEN = ("--from", FIRST, "--to", LAST)

Drift = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    synthesize(folder, rows=2000, seed=5, workers=1, files=1)
    return folder


@pytest.fixture(scope="module")
def store(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("drift") / "store"
    for words in (
        ["init", place, "--dataset", "yfcc100m", "--buckets", "4"],
        [
            "ingest",
            "manifest",
            place,
            world / "manifest/part-00000.tsv",
            "--format",
            "yfcc100m",
            "--snapshot",
            "m",
        ],
        ["ingest", "licenses", place, world / f"licenses/{FIRST}.parquet", "--observed-on", FIRST],
        ["ingest", "licenses", place, world / f"licenses/{LAST}.parquet", "--observed-on", LAST],
    ):
        assert run([str(word) for word in words], {"runner": ByHand()}) == 0
    yield place
    close_stores()


@pytest.fixture
def drift(store: Path, capsys: pytest.CaptureFixture[str]) -> Drift:
    """Runs the command: its exit code, and what it prints."""

    def byleave(*words: str | Path, of: Path = store) -> tuple[int, str, str]:
        code = run(["drift", str(of), *map(str, words)], {"runner": ByHand()})
        return code, *capsys.readouterr()

    return byleave


@pytest.fixture(scope="module")
def pairs(store: Path) -> Counter[tuple[str, str, bool]]:
    """From which license to which the items went, by the rows of the snapshots."""
    told = io.StringIO()
    query = (
        "select item_id, snapshot, any_value(license) as license, any_value(visibility) as visibility"
        " from licenses where item_id in (select item_id from manifest) group by all"
    )
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(sys, "stdout", told)
        main(["sql", str(store), query, "--json"])
    seen: dict[str, dict[str, tuple[str, str]]] = {}
    for row in json.loads(told.getvalue()):
        seen.setdefault(row["item_id"], {})[row["snapshot"]] = row["license"], row["visibility"]
    both = [(item[FIRST], item[LAST]) for item in seen.values() if item.keys() == {FIRST, LAST}]
    return Counter((before[0], after[0], before[1] != after[1]) for before, after in both)


def test_the_numbers_are_those_of_the_snapshots(drift: Drift, pairs: Counter[tuple[str, str, bool]]) -> None:
    code, out, err = drift(*BETWEEN, "--by", "license", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["items"] == pairs.total()
    assert told["license_changed"] == sum(n for (a, b, _), n in pairs.items() if a != b) > 0
    assert told["visibility_changed"] == sum(n for (*_, other), n in pairs.items() if other)
    found = {(row["license_from"], row["license_to"]): row["items"] for row in told["rows"]}
    expected = Counter[tuple[str, str]]()
    for (before, after, _), items in pairs.items():
        expected[before, after] += items
    assert found == expected
    assert all(row["direction"] == compare(row["license_from"], row["license_to"]) for row in told["rows"])
    stated = {name: told[name] for name in ("from", "to", "known_on", "by")}
    assert stated == {"from": FIRST, "to": LAST, "known_on": None, "by": "license"}
    assert told["ledger"]


def test_every_grain_tells_the_same_drift(drift: Drift, pairs: Counter[tuple[str, str, bool]]) -> None:
    expected = Counter[str]()
    for (before, after, _), items in pairs.items():
        expected[compare(before, after)] += items
    for grain in ("direction", "license", "year"):
        found = Counter[str]()
        for row in json.loads(drift(*BETWEEN, "--by", grain, "--json")[1])["rows"]:
            found[row["direction"]] += row["items"]
        assert found == expected
    months = json.loads(drift(*BETWEEN, "--by", "month", "--json")[1])
    assert months["items"] == pairs.total()
    # One snapshot: all that changed did so in one month, to whoever looks twice.
    changed = {
        row["direction"]: row["items"]
        for row in months["rows"]
        if row["direction"] not in ("same", "unknown")
    }
    assert {row["month"] for row in months["rows"]} == {"2026-11"}
    assert changed == {name: n for name, n in expected.items() if name not in ("same", "unknown")}


def test_csv_is_rows_alone(drift: Drift) -> None:
    rows = json.loads(drift(*BETWEEN, "--json")[1])["rows"]
    read = list(csv.DictReader(io.StringIO(drift(*BETWEEN, "--csv")[1])))
    assert [(row["direction"], row["items"]) for row in read] == [
        (row["direction"], str(row["items"])) for row in rows
    ]
    code, out, err = drift(*BETWEEN, "--csv", "--json")
    assert (code, out, err) == (3, "", "byleave: --json and --csv: give one of them\n")


def test_people_read_a_heading_and_a_table(drift: Drift, pairs: Counter[tuple[str, str, bool]]) -> None:
    code, out, _ = drift(*BETWEEN)
    first, second, header, *rows = out.splitlines()
    assert code == 0
    assert first == f"license drift from {FIRST} to {LAST}, as known now"
    assert f" of {pairs.total():,} items have another license (" in second
    assert " ".join(header.split()) == "direction items owners share license changed visibility changed"
    assert rows[-1].startswith("same")
    assert " %" in rows[-1]


def test_before_the_second_snapshot_nothing_had_changed(drift: Drift) -> None:
    told = json.loads(drift(*BETWEEN, "--known-on", "2026-10-31", "--json")[1])
    assert told["known_on"] == "2026-10-31"
    assert told["license_changed"] == told["visibility_changed"] == 0
    assert {row["direction"] for row in told["rows"]} <= {"same", "unknown"}


def test_pictures_are_written_beside_what_is_printed(drift: Drift, tmp_path: Path) -> None:
    html, png = tmp_path / "drift.html", tmp_path / "drift.png"
    html.write_text("older")
    code, out, _ = drift(*BETWEEN, "--html", html, "--png", png)
    assert code == 0
    assert out.splitlines()[-2:] == [f"written: {html}", f"written: {png}"]
    assert html.read_text().startswith("<!DOCTYPE html>")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drift.html", "drift.png"]
    page = html.read_bytes()
    assert json.loads(drift(*BETWEEN, "--json", "--html", html)[1])["rows"]
    assert html.read_bytes() == page


def test_a_picture_that_cannot_be_written_leaves_nothing(
    drift: Drift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drift(*BETWEEN, "--html", tmp_path) == (
        3, "", f"byleave: {tmp_path}: is a folder; name a file in it\n"
    )  # fmt: skip
    nowhere = tmp_path / "no" / "drift.png"
    assert drift(*BETWEEN, "--png", nowhere) == (
        3, "", f"byleave: {nowhere}: there is no folder {nowhere.parent}; make it first\n"
    )  # fmt: skip

    # A name may be 255 bytes long, and a file that becomes another one needs a name as well.
    assert drift(*BETWEEN, "--html", tmp_path / f"{'n' * 250}.html")[0] == 0
    (tmp_path / f"{'n' * 250}.html").unlink()
    long = tmp_path / f"{'n' * 251}.html"
    code, out, err = drift(*BETWEEN, "--html", long)
    assert (code, out) == (5, "")
    assert err.startswith(f"byleave: {long}: File name too long")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28), str(tmp_path / "drift.html"))

    monkeypatch.setattr(os, "replace", full)
    code, out, err = drift(*BETWEEN, "--html", tmp_path / "drift.html")
    assert (code, out) == (5, "")
    assert err == (
        f"byleave: {tmp_path}/drift.html: No space left on device."
        " Free the space or give the permission, and run it again\n"
    )
    assert not list(tmp_path.iterdir())


ASKED_WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "backwards": (
        ("--from", LAST, "--to", FIRST),
        3,
        f"--from {LAST} is after --to {FIRST}: give the earlier date",
    ),
    "too early": (
        ("--from", "2020-01-01", "--to", LAST),
        5,
        f"of no item anything is known both on 2020-01-01 and on {LAST}. License snapshots are of {FIRST}, ",
    ),
    "known by nobody": (
        (*BETWEEN, "--known-on", "2025-05-31"),
        5,
        f"on 2025-05-31 no license was known yet. License snapshots are of {FIRST}, {LAST}; give ",
    ),
}


@pytest.mark.parametrize("case", ASKED_WRONG)
def test_what_cannot_be_compared_is_said_in_one_line(drift: Drift, case: str) -> None:
    words, expected, message = ASKED_WRONG[case]
    code, out, err = drift(*words)
    assert (code, out) == (expected, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_store_without_snapshots_names_the_next_step(drift: Drift, world: Path, tmp_path: Path) -> None:
    empty = tmp_path / "store"
    assert run(["init", str(empty), "--dataset", "d", "--buckets", "4"], {}) == 0
    assert "holds no manifest yet. Take one in: byleave ingest manifest" in drift(*BETWEEN, of=empty)[2]
    part = str(world / "manifest/part-00000.tsv")
    words = ["ingest", "manifest", str(empty), part, "--format", "yfcc100m", "--snapshot", "m"]
    assert run(words, {"runner": ByHand()}) == 0
    code, _, err = drift(*BETWEEN, of=empty)
    assert code == 5
    assert err.splitlines()[-1].endswith(
        "holds no license snapshot yet. Take one in: byleave ingest licenses --help"
    )


def test_what_is_remembered_needs_no_beam_and_numbers_no_altair(drift: Drift, store: Path) -> None:
    assert drift(*BETWEEN)[0] == 0
    program = (
        "import sys; from pipelines.cli import run\n"
        "assert run(sys.argv[1:], {}) == 0\n"
        "print({'apache_beam', 'altair', 'vl_convert'} & {*sys.modules})"
    )
    for words in (["drift", "--help"], ["drift", str(store), *BETWEEN, "--by", "month"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
        )
        assert (done.stdout.splitlines()[-1:], done.stderr) == (["set()"], "")
