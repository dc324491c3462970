"""An inbox by names and ages: what is a unit, of which day, and what is left in place and why."""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.night.inbox import Left, Unit, _day, survey
from pipelines.night.settings import Inbox
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS

NOW = 1_795_000_000.0  # 2026-11-18


def names(folder: Path, kind: str = OPT_OUTS, settle_seconds: float = 0) -> dict[str, str]:
    """For each thing that lies there what is made of it: a name and a day, or why not."""
    found = survey(Inbox(kind, str(folder)), time.time() + 1, settle_seconds)
    return {Path(each.place).name: told(each) for each in found}


def told(each: Unit | Left) -> str:
    if isinstance(each, Unit):
        return f"{each.name} {each.day}".strip()
    return ("waits: " if each.waits else "") + each.why


NO_DAY = "names no day: rename it after the one day on which it was true, as 2026-11-20"
BY_NAME = "waits: still being written, by its name"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2026-11-10.txt", "2026-11-10 2026-11-10"),
        ("opt-outs_20251110.csv.gz", "opt-outs_20251110 2025-11-10"),
        ("flickr.2026-01-02", "flickr.2026-01-02 2026-01-02"),
        ("2026-01-02-again-20260102.txt", "2026-01-02-again-20260102 2026-01-02"),
        ("latest.txt", NO_DAY),
        ("2026-13-10.txt", NO_DAY),
        ("20261110093000.txt", NO_DAY),
        ("2026-1110.txt", NO_DAY),
        (
            "2026-11-01 to 2026-11-10.txt",
            "names 2026-11-01 and 2026-11-10: rename it after the one day on which it was true, as"
            " 2026-11-20",
        ),
        ("2999-11-10.txt", "names 2999-11-10, which is yet to come. Rename it after its day"),
        (
            "my list 2026-11-10.txt",
            "the name 'my list 2026-11-10': use letters, digits, '.', '_' and '-', beginning with a letter or"
            " digit. Rename it",
        ),
        (".2026-11-10.txt.Zk3a9Q", BY_NAME),
        ("2026-11-10.txt.part", BY_NAME),
        ("2026-11-10.txt.tmp", BY_NAME),
        ("2026-11-10.txt.crdownload", BY_NAME),
        ("2026-11-10.txt.filepart", BY_NAME),
        ("~2026-11-10.txt", BY_NAME),
    ],
)
def test_a_name_says_what_a_file_is(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path) == {name: expected}


@given(st.dates(max_value=datetime.date(2026, 11, 19)))
def test_every_day_that_has_been_is_read_back(day: datetime.date) -> None:
    for text in (str(day), str(day).replace("-", "")):
        assert _day(f"list-{text}", NOW) == str(day)


def test_clutter_is_nothing_and_a_day_is_not_asked_of_a_manifest(tmp_path: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", ".gitkeep", "2014-05.tsv.bz2"):
        (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path, MANIFESTS) == {"2014-05.tsv.bz2": "2014-05"}


def test_a_folder_is_one_unit_of_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "2014-05.part-of-it"
    folder.mkdir()
    for name in ("b.tsv", "a.tsv", ".DS_Store"):
        (folder / name).write_bytes(name.encode())
    (found,) = survey(Inbox(MANIFESTS, str(tmp_path)), time.time() + 1, 0)
    assert isinstance(found, Unit)
    assert found.name == "2014-05.part-of-it"
    assert list(found.stamps) == [str(folder / "a.tsv"), str(folder / "b.tsv")]


def test_a_folder_waits_for_all_its_files(tmp_path: Path) -> None:
    for name in ("empty", "unfinished", "nested"):
        (tmp_path / name).mkdir()
    (tmp_path / "unfinished" / "a.tsv").touch()
    (tmp_path / "unfinished" / "b.tsv.part").touch()
    (tmp_path / "nested" / "more").mkdir()
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path, MANIFESTS) == {
        "empty": "waits: an empty folder: its files are still to come",
        "unfinished": "waits: b.tsv.part: still being written, by its name",
        "nested": "more: a folder in a folder. Put files into it, or take it away",
        "gone": "neither a file nor a folder. Put files into it, or take it away",
        "pipe": "neither a file nor a folder. Put files into it, or take it away",
    }


def test_what_changed_just_now_is_still_being_written(tmp_path: Path) -> None:
    file = tmp_path / "2026-11-10.txt"
    file.write_bytes(b"x")
    os.utime(file, (0, 0))  # as a tool that copies sets it: the file is here since now all the same
    assert names(tmp_path, settle_seconds=60) == {file.name: "waits: changed less than 60 s ago"}
    assert names(tmp_path, settle_seconds=0.5) == {file.name: "2026-11-10 2026-11-10"}


def test_a_stamp_is_another_when_bytes_are(tmp_path: Path) -> None:
    file = tmp_path / "2026-11-10.txt"

    def stamp() -> str | None:
        (found,) = survey(Inbox(OPT_OUTS, str(tmp_path)), time.time() + 1, 0)
        assert isinstance(found, Unit)
        return found.stamps[str(file)]

    file.write_bytes(b"one")
    os.utime(file, (5, 5))
    before = stamp()
    assert stamp() == before
    time.sleep(0.02)
    file.write_bytes(b"two")
    os.utime(file, (5, 5))  # as long as before, and as old
    assert stamp() != before


@pytest.mark.parametrize(("kind", "name"), [("missing", "nowhere"), ("a file", "file")])
def test_an_inbox_that_is_not_there_is_told_and_no_error(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "file").touch()
    (left,) = survey(Inbox(LICENSES, str(tmp_path / name)), NOW, 0)
    assert isinstance(left, Left)
    assert (left.place, left.exit_code, left.waits) == (str(tmp_path / name), 4, False)
    assert left.why.startswith("no such folder" if name == "nowhere" else "cannot be read (Not a directory)")


def test_an_inbox_behind_a_url() -> None:
    system = fsspec.filesystem("memory")
    for name in ("list/2026-11-10.txt", "list/2026-11-11/a.txt", "list/2026-11-11/b.txt"):
        system.pipe(f"/inbox/{name}", b"x")
    inbox = Inbox(OPT_OUTS, "memory://inbox/list/")
    file, folder = survey(inbox, time.time() + 1, 0)
    assert isinstance(file, Unit)
    assert isinstance(folder, Unit)
    assert (file.place, file.day) == ("memory:///inbox/list/2026-11-10.txt", "2026-11-10")
    assert None not in {*file.stamps.values(), *folder.stamps.values()}
    assert list(folder.stamps) == [f"memory:///inbox/list/2026-11-11/{name}.txt" for name in "ab"]
    assert all(isinstance(each, Left) and each.waits for each in survey(inbox, time.time() + 1, 60))
    system.rm("/inbox", recursive=True)
