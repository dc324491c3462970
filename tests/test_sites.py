"""Folders of evidence: which file is what, by names alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from byhand import ByHand

from pipelines import cli
from pipelines.raw.sites import Found, find
from pipelines.signals import ingest_signals
from pipelines.store.store import Dataset, close_stores, create_store
from pipelines.store.tables import SIGNALS
from transforms.domain.errors import InputError
from transforms.formats.sitefiles import OBJECTS


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_stores()


def write(folder: Path, *names: str, text: str = "") -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return [str(folder / name) for name in names]


def names(found: list[Found], root: Path) -> set[tuple[str, str, str]]:
    return {(str(Path(each.place).relative_to(root)), each.role, each.host) for each in found}


def test_a_folder_of_sites_and_objects(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", "b.json", "c.jsonl.gz", "notes.md", "example.org/robots.txt")
    write(tmp_path, "example.org/.well-known/tdmrep.json", "example.org/ip-ranges.txt", "example.com/ai.txt")
    found, others = find([str(tmp_path)])
    assert names(found, tmp_path) == {
        ("a.jsonl", OBJECTS, ""),
        ("b.json", OBJECTS, ""),
        ("c.jsonl.gz", OBJECTS, ""),
        ("example.org/robots.txt", "robots.txt", "example.org"),
        ("example.org/.well-known/tdmrep.json", "tdmrep.json", "example.org"),
        ("example.com/ai.txt", "ai.txt", "example.com"),
    }
    assert sorted(Path(other).name for other in others) == ["ip-ranges.txt", "notes.md"]
    # What is named by itself, or by its site's folder, is the same.
    one = [str(tmp_path / "example.org"), str(tmp_path / "example.com" / "ai.txt")]
    well_known = str(tmp_path / "example.org" / ".well-known" / "tdmrep.json")
    assert names(find(one)[0], tmp_path) | names(find([well_known])[0], tmp_path) == {
        each for each in names(found, tmp_path) if each[1] != OBJECTS
    }


def test_a_folder_elsewhere() -> None:
    system = fsspec.filesystem("memory")
    for name in ("a.jsonl", "example.org/robots.txt"):
        system.pipe(f"/evidence/{name}", b"x")
    found, _ = find(["memory://evidence"])
    assert {(each.place, each.role, each.host) for each in found} == {
        ("memory:///evidence/a.jsonl", OBJECTS, ""),
        ("memory:///evidence/example.org/robots.txt", "robots.txt", "example.org"),
    }
    assert find(["memory://evidence/example.org"])[0] == [found[1]]


def test_a_name_that_is_nearly_one(tmp_path: Path) -> None:
    write(tmp_path, "example.org/robot.txt")
    with pytest.raises(InputError, match=r"'robot\.txt' is not read\. Did you mean 'robots\.txt'\?$"):
        find([str(tmp_path)])


@pytest.mark.parametrize("name", [None, "readme"])
def test_a_folder_without_evidence(name: str | None, tmp_path: Path) -> None:
    write(tmp_path, *filter(None, [name]))
    with pytest.raises(InputError, match="holds no evidence"):
        find([str(tmp_path)])


def test_what_is_not_there(tmp_path: Path) -> None:
    store = create_store(str(tmp_path / "store"), Dataset("d", "flickr", 2))
    with pytest.raises(InputError, match=r"gone\.jsonl: no such file"):
        ingest_signals(store, [str(tmp_path / "gone.jsonl")], observed_on="2026-11-10", runner=ByHand())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A word on what was not got, not understood, or passed over; a fault is one line."""
    create_store(str(tmp_path / "store"), Dataset("d", "flickr", 2))
    long = "User-Agent: *\n" + "Disallow: /x\n" * 50_000
    write(tmp_path, "ev/example.org/ai.txt", text=long)
    write(tmp_path, "ev/example.org/tdmrep.json", text="{")
    write(tmp_path, "ev/a.jsonl", text=json.dumps({"url": "https://example.com/a", "status": None}))
    write(tmp_path, "ev/readme")
    words = [
        "ingest",
        "signals",
        str(tmp_path / "store"),
        str(tmp_path / "ev"),
        "--observed-on",
        "2026-11-10",
    ]
    assert cli.run(words, {}) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("signals 2026-11-10-")
    assert first.endswith("rules of 1 host, 1 URL")
    assert rest == [
        "  3 could not be got: what was said before stands, and is stale",
        "  1 could not be understood at all",
        "  1 cut off at 500 KiB: what is behind was not read",
        "  1 passed over, as no evidence",
    ]
    assert cli.run([*words, "--json"], {}) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["hosts"], told["unavailable"], told["cut"]) == (1, 3, 1)
    write(tmp_path, "ev/b.jsonl", text='{"url": "https://example.com/a", "statsu": 7}')
    assert cli.run(words, {}) == 4
    error = capsys.readouterr().err
    assert error.endswith("b.jsonl, line 1: unknown member 'statsu'. Did you mean 'status'?\n")
    assert error.count("\n") == 1
    assert len(list((tmp_path / "store" / "datasets" / "d" / SIGNALS).iterdir())) == 1
