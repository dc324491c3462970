"""What sources say, from captures to a release: a no leaves out, and no answer changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byhand import ByHand, listing
from handmade import fill, item
from worlds import cut, new_memos, new_store, rows

from pipelines import cli
from pipelines.catalog.views import open_catalog
from pipelines.signals import ingest_signals
from pipelines.store.releases import Release
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import SIGNALS, Table
from transforms.domain import schemas

BUCKETS = 2
ITEMS = [
    item("museum", "1", "a", page_url="https://example.org/art/1", image_url="https://img.example.org/1.jpg"),
    item("museum", "2", "a", page_url="https://example.org/about", image_url="https://img.example.org/2.jpg"),
    item("museum", "3", "b", page_url="https://example.com/3", image_url="https://cdn.example.net/3.jpg"),
    item("museum", "4", "c", page_url="https://example.com/4", image_url="https://cdn.example.net/4.jpg"),
    item("museum", "5", "d"),
]
NO = "User-Agent: *\nContent-Usage: /art/ train-ai=n\n"
ROBOTS = "https://example.org/robots.txt"
SAYS_NO = [
    {"url": ROBOTS, "status": 200, "body": NO},
    {"url": "https://cdn.example.net/3.jpg", "status": 200, "headers": [["tdm-reservation", "1"]]},
    {
        "item_id": "5",
        "source": "museum",
        "manifest": {
            "label": "cawg.training-mining",
            "data": {"entries": {"cawg.ai_generative_training": {"use": "notAllowed"}}},
        },
    },
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    created = new_store(tmp_path / "store", BUCKETS)
    fill(created, tmp_path, ITEMS)
    yield created
    close_stores()


def hear(store: Store, folder: Path, day: str, captures: list[dict[str, Any]]) -> Table:
    file = folder / f"{day}.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in captures))
    return ingest_signals(store, [str(file)], observed_on=day, runner=ByHand())


def released(store: Store, version: str, policy: str = "generative-training") -> Release:
    return cut(store, policy, version, without_opt_outs=True)


def kept(store: Store, release: Release) -> set[str]:
    return set(rows(store, release.parts["items"].values(), schemas.ITEMS)["item_id"].to_pylist())


def test_from_a_capture_to_a_release(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = released(store, "0")
    assert kept(store, before) == {"1", "2", "3", "4", "5"}
    hear(store, tmp_path, "2026-11-10", SAYS_NO)
    first = released(store, "1")
    assert kept(store, first) == {"2", "4"}
    assert first.content["counts"]["first_reason"] == {"signal_no": 3}
    assert first.content["counts"]["signals_stale"] == 0
    # A policy on TDM speaks of machines that look, a no to training not.
    assert kept(store, released(store, "1-vision", "computer-vision")) == {"1", "2", "4", "5"}

    # Who does not answer has not changed his mind.
    hear(store, tmp_path, "2026-11-11", [{"url": ROBOTS, "status": None}])
    second = released(store, "2")
    assert kept(store, second) == {"2", "4"}
    assert second.content["counts"]["signals_stale"] == 2  # all that is on the host
    assert cli.run(["release", "show", str(tmp_path / "store"), "2"], {}) == 0
    told = capsys.readouterr().out
    assert f"  signals     {', '.join(store.tables.names(SIGNALS))}\n" in told
    assert "  stale       signals of 2 items, since a source could not be got again\n" in told
    assert told.count("  signals  ") == 1

    # Said again, it is not stale, and is what it was: nothing is looked at once more.
    hear(store, tmp_path, "2026-11-12", SAYS_NO)
    files = listing(tmp_path / "store")
    third = released(store, "3")
    assert {name: blob.digest for name, blob in third.parts["items"].items()} == {
        name: blob.digest for name, blob in first.parts["items"].items()
    }
    assert third.content["counts"]["signals_stale"] == 0
    assert new_memos(files, listing(tmp_path / "store")).keys() <= {"StandingSignals", "Gate"}

    # What is not there on another port takes nothing back.
    hear(store, tmp_path, "2026-11-13", [{"url": "http://example.org:8080/robots.txt", "status": 404}])
    assert kept(store, released(store, "3-port")) == {"2", "4"}
    assert cli.run(["explain", str(tmp_path / "store"), "1", "--source", "museum"], {}) == 0
    told = capsys.readouterr().out
    assert "content-usage-robots of https://example.org: no to" in told
    assert "content-usage-robots of http://example.org:8080: ok" in told

    # Who takes it back is heard, and the rows come back with the same bytes.
    nothing = [
        {"url": ROBOTS, "status": 404},
        {"url": "https://cdn.example.net/3.jpg", "status": 200, "headers": []},
        {"item_id": "5", "source": "museum", "manifest": None},
    ]
    hear(store, tmp_path, "2026-11-13", nothing)
    last = released(store, "4")
    assert last.parts["items"] == before.parts["items"]
    assert kept(store, cut(store, "generative-training", "5", as_of="2026-11-12", without_opt_outs=True)) == {
        "2",
        "4",
    }


def test_an_unreadable_source_leaves_out_where_the_policy_says_so(store: Store, tmp_path: Path) -> None:
    broken = {"url": "https://example.com/.well-known/tdmrep.json", "status": 200, "body": "<html>"}
    hear(store, tmp_path, "2026-11-10", [broken])
    release = released(store, "1")
    assert kept(store, release) == {"1", "2", "5"}
    assert release.content["counts"]["first_reason"] == {"signal_unreadable": 2}


def test_where_no_source_says_anything_no_bucket_is_looked_at(store: Store, tmp_path: Path) -> None:
    released(store, "0")
    files = listing(tmp_path / "store")
    hear(store, tmp_path, "2026-11-10", [{"url": ROBOTS, "status": 404}])
    released(store, "1")
    assert "Signals" not in new_memos(files, listing(tmp_path / "store"))


def test_the_same_evidence_is_the_same_table(store: Store, tmp_path: Path) -> None:
    first = hear(store, tmp_path, "2026-11-10", SAYS_NO)
    again = hear(store, tmp_path, "2026-11-10", [*reversed(SAYS_NO), SAYS_NO[0]])
    assert again == store.tables.get(SIGNALS, first.name)
    assert first.digest == again.digest
    assert store.tables.names(SIGNALS) == [first.name]
    later = hear(store, tmp_path, "2026-11-11", SAYS_NO)
    assert len(store.tables.names(SIGNALS)) == 2
    with open_catalog(store, needed=["signals"]) as catalog:
        question = "from signals select list, mechanism, no_to where len(no_to) > 0 order by all"
        found = catalog.execute(question).fetchall()
    said = [
        ("c2pa", ["generative-training"]),
        ("content-usage-robots", ["generative-training"]),
        ("tdmrep-header", ["commercial", "computer-vision"]),
    ]
    assert found == [(table.name, *each) for table in (first, later) for each in said]
