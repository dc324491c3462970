"""Opt-outs first, then a manifest: the bytes of an opted-out item stay out whatever came first."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from byhand import ByHand
from handmade import item, looks, write
from nights import Place
from worlds import cut, new_store, rows

from pipelines import ingest
from pipelines.catalog.queries import ask
from pipelines.cli import run
from pipelines.optouts.approvals import approve, refuse, withdraw
from pipelines.optouts.receipts import receipt
from pipelines.optouts.requests import waiting
from pipelines.optouts.reuploads import reuploads_of
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import MANIFESTS, OPT_OUTS, Table
from transforms.domain import schemas
from transforms.domain.errors import StateError
from transforms.intake import Rules
from transforms.standing import opted_out

A, B = "11111111@N00", "22222222@N01"
MD5, PLACEHOLDER = "0123456789abcdef0123456789abcdef", "f" * 32
ITEMS = [
    item("flickr", "101", A, content_md5=MD5),
    item("flickr", "102", A),
    item("flickr", "202", B, content_md5=MD5),  # the same bytes, uploaded again
]
ALL = {"101", "102", "202"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Licenses of all items, and no manifest."""
    store = new_store(tmp_path / "store", buckets=4)
    file = write(tmp_path, "licenses.parquet", looks(ITEMS), schemas.LICENSES)
    ingest.ingest_licenses(store, [file], fmt="canonical", observed_on="2026-11-01", runner=ByHand())
    yield store
    close_stores()


Take = Callable[..., Table]


@pytest.fixture
def opt_out(tmp_path: Path) -> Take:
    def take(
        store: Store, *lines: str, day: str = "2026-11-10", name: str = "list.csv", **more: Any
    ) -> Table:
        (tmp_path / name).write_text("\n".join([*lines, ""]))
        return ingest.ingest_opt_outs(store, [str(tmp_path / name)], received_on=day, runner=ByHand(), **more)

    return take


@pytest.fixture
def manifest(tmp_path: Path) -> Take:
    def take(store: Store, values: list[dict[str, Any]] = ITEMS, name: str = "a", **more: Any) -> Table:
        file = write(tmp_path, f"{name}.parquet", values, schemas.MANIFEST)
        return ingest.ingest_manifest(store, [file], fmt="canonical", snapshot=name, runner=ByHand(), **more)

    return take


def kept(store: Store, version: str = "1", **more: Any) -> set[str]:
    release = cut(store, version=version, **more)
    return set(rows(store, release.parts["items"].values(), schemas.ITEMS)["item_id"].to_pylist())


def ledger(store: Store) -> pa.Table:
    return rows(store, (t.blobs["entries"] for t in store.tables.all(OPT_OUTS)), schemas.OPT_OUTS)


def test_a_copy_in_a_manifest_that_comes_later_stays_out(store: Store, opt_out: Take, manifest: Take) -> None:
    first = opt_out(store, "item_id,expires_on", "101,2026-12-24")
    table = manifest(store)
    (derived,) = reuploads_of(store, table)
    assert (derived.date, derived.counts["contents"], derived.counts["derived"]) == ("2026-11-10", 1, 1)
    assert (derived.files[0]["name"], derived.turns) == (first.name, ("2026-12-24",))
    assert kept(store) == {"102"}
    entries = ledger(store)
    assert entries["request"].unique().to_pylist() == entries["request"].to_pylist()[:1]
    assert "content of item 101 in manifest a" in entries["evidence"].to_pylist()
    # Neither the same command nor another manifest with the same hashes adds anything.
    lists = store.tables.names(OPT_OUTS)
    assert manifest(store) == table
    assert reuploads_of(store, manifest(store, name="b")) == []
    assert store.tables.names(OPT_OUTS) == lists
    # One that has more of them does.
    more = [{**each, "content_sha256": MD5 * 2} for each in ITEMS[:1]]
    assert [each.counts["contents"] for each in reuploads_of(store, manifest(store, more, name="c"))] == [1]
    assert receipt(store, entries["request"][0].as_py()).entries == 3
    # Nor are they a version of anybody's list, whatever its file is called.
    many = map(str, range(5_000, 5_110))
    assert opt_out(store, "item_id", *many, day="2026-11-11", name=first.name).counts["held"] == 0


def test_without_hashes_or_items_there_is_no_list(store: Store, opt_out: Take, manifest: Take) -> None:
    opt_out(store, "owner_id", A)
    lists = store.tables.names(OPT_OUTS)
    manifest(store)
    opt_out(store, "item_id", "102", day="2026-11-11")
    manifest(store, ITEMS[1:2], name="b")
    assert len(store.tables.names(OPT_OUTS)) == len(lists) + 1


def test_a_release_as_of_a_day_knows_what_it_would_have_known(
    store: Store, opt_out: Take, manifest: Take
) -> None:
    manifest(store, [{**each, "content_md5": None} for each in ITEMS])
    opt_out(store, "item_id", "101")
    assert [
        each.date for each in reuploads_of(store, manifest(store, name="b", received_on="2026-11-12"))
    ] == ["2026-11-12"]
    request = ledger(store)["request"][0].as_py()
    for day, keeps, entries in (("2026-11-11", {"102", "202"}, 1), ("2026-11-12", {"102"}, 2)):
        assert kept(store, day, as_of=day) == keeps
        assert receipt(store, request, as_of=day).entries == entries
        told = "".join(ask(store, f"from opt_outs_as_of('{day}')", how="json"))
        assert len(json.loads(told)) == entries


@pytest.mark.parametrize("by", ["a list", "a person"])
def test_an_item_that_is_withdrawn_takes_its_bytes_along(
    store: Store, opt_out: Take, manifest: Take, by: str
) -> None:
    opt_out(store, "item_id,request", "101,r", day="2026-11-10")
    manifest(store, received_on="2026-11-11")
    assert kept(store, "1") == {"102"}
    if by == "a list":
        opt_out(store, "item_id,state", "101,withdrawn", day="2026-11-12")
    else:
        withdraw(store, ["r"], received_on="2026-11-12", evidence="a letter")
    assert kept(store, "2") == ALL
    assert receipt(store, "r").state == "restored"


def test_a_run_that_dies_before_the_manifest_is_visible_goes_on(
    store: Store, opt_out: Take, manifest: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    opt_out(store, "item_id", "101")
    opt_out(store, "item_id", "202", day="2026-11-11")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            manifest(store)
    assert store.tables.names(MANIFESTS) == []
    lists = store.tables.names(OPT_OUTS)
    assert len(lists) == 4
    assert len(reuploads_of(store, manifest(store))) == 2
    assert store.tables.names(OPT_OUTS) == lists
    assert kept(store) == {"102"}


def test_a_manifest_of_before_is_made_good_by_the_same_command(
    store: Store, opt_out: Take, manifest: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    opt_out(store, "item_id", "101")
    with monkeypatch.context() as patched:
        patched.setattr(ingest, "cover_reuploads", lambda *_: None)
        assert reuploads_of(store, manifest(store)) == []
    assert len(reuploads_of(store, manifest(store))) == 1


def test_who_asked_for_items_alone_gets_that(store: Store, opt_out: Take, manifest: Take) -> None:
    alone = Rules(only_items=True)
    opt_out(store, "item_id", "101", rules=alone)
    opt_out(store, "item_id", "101", rules=alone)
    with pytest.raises(StateError, match="was taken in with --only-items"):
        opt_out(store, "item_id", "101")
    assert reuploads_of(store, manifest(store)) == []
    assert kept(store) == {"102", "202"}


@pytest.mark.parametrize("only_items", [False, True])
def test_what_a_person_approved_before_stands_for_its_bytes_too(
    store: Store, opt_out: Take, manifest: Take, only_items: bool
) -> None:
    opt_out(store, "item_id", "999", day="2026-11-09")
    held = opt_out(store, "item_id", "101", *map(str, range(5_000, 5_110)))
    assert held.counts["held"] == 111
    assert reuploads_of(store, manifest(store, ITEMS[1:2], name="0")) == []
    approve(
        store, [], lists=[held.name], received_on="2026-11-12", evidence="they say so", only_items=only_items
    )
    manifest(store)
    assert kept(store) == ({"102", "202"} if only_items else {"102"})


def test_a_held_item_that_is_approved_after_the_manifest_came(
    store: Store, opt_out: Take, manifest: Take
) -> None:
    opt_out(store, "item_id", "999", day="2026-11-09")
    held = opt_out(store, "item_id", "101", *map(str, range(5_000, 5_110)))
    assert reuploads_of(store, manifest(store)) == []
    approve(store, [], lists=[held.name], received_on="2026-11-12", evidence="they say so")
    assert kept(store) == {"102"}


@pytest.mark.parametrize("answer", [approve, refuse])
def test_bytes_that_many_have_wait_though_a_person_approved_the_item(
    store: Store, opt_out: Take, manifest: Take, answer: Callable[..., Any]
) -> None:
    opt_out(store, "item_id", "999", day="2026-11-09")
    held = opt_out(store, "item_id", "101", *map(str, range(5_000, 5_110)))
    approve(store, [], lists=[held.name], received_on="2026-11-10", evidence="they say so")
    gone = item("flickr", "101", A, content_md5=PLACEHOLDER)
    many = [item("flickr", str(number), B, content_md5=PLACEHOLDER) for number in range(1_000, 2_000)]
    table = manifest(store, [gone, *many, *ITEMS[1:]])
    (derived,) = reuploads_of(store, table)
    assert (derived.counts["contents"], derived.counts["held"]) == (0, 1)
    (row,) = waiting(store).to_pylist()
    assert row["held_for"] == "its request meets 1001 of 1003 items, a larger share than 0.001"
    answer(store, [row["request"]], received_on="2026-11-12", evidence="looked at it")
    assert len(waiting(store)) == 0
    assert reuploads_of(store, manifest(store, [gone, *ITEMS[1:]], name="b")) == []  # it was asked once
    assert kept(store) == ALL - {"101"}


def lists_of(draw: random.Random) -> list[tuple[int, list[str]]]:
    """Of several days: items are asked for and taken back, for some purposes or all, by two registries."""
    lists = []
    for day in (1, 2, 2, 4, 5, 7):
        lines = [
            f"{draw.randrange(100, 115)},{draw.choice(('', 'withdrawn'))},"
            f"{draw.choice(('', '', 'research-noncommercial', 'generative-training;search'))},"
            f"{draw.choice(('', '', '2026-11-08'))},{draw.choice(('one', 'two'))}"
            for _ in range(9)
        ]
        # An entry that takes back ends when what it speaks of does.
        lines = [line.replace("2026-11-08", "") if "withdrawn" in line else line for line in lines]
        lists.append((day, lines))
    return lists


def test_it_makes_no_difference_when_the_manifest_comes(
    tmp_path: Path, opt_out: Take, manifest: Take
) -> None:
    draw = random.Random(5)
    lists = lists_of(draw)
    items = [
        item("flickr", str(100 + n), A, content_md5=f"{draw.randrange(6):032x}" if n % 5 else None)
        for n in range(15)
    ]

    def standing(behind: int) -> list[dict[tuple[str, str], int]]:
        """What stands on each day, by who asked, where the manifest comes behind so many lists."""
        store = new_store(tmp_path / str(behind), buckets=4)
        for place, (day, lines) in enumerate(lists):
            if place == behind:
                manifest(store, items)
            header = "item_id,state,purposes,expires_on,origin"
            opt_out(store, header, *lines, day=f"2026-11-{day:02}", name=f"{place}.csv")
        if behind == len(lists):
            manifest(store, items)
        days = []
        for day in range(1, 10):
            stands: dict[tuple[str, str], int] = {}
            for origin in ("one", "two"):
                asked = ledger(store).filter(pc.field("origin") == origin)
                for row in opted_out(asked, datetime.date(2026, 11, day)).to_pylist():
                    whose = (origin, row["key"])
                    stands[whose] = stands.get(whose, 0) | row["no"]
            days.append(stands)
        return days

    first = standing(0)
    assert any(key.startswith("md5:") for _, key in first[-1])
    assert first[3] != first[1]
    assert standing(3) == first
    assert standing(len(lists)) == first
    close_stores()


@pytest.mark.parametrize("gone", [[], [item("flickr", "101", A)]], ids=["no longer there", "without a hash"])
def test_an_earlier_manifest_tells_the_bytes_of_what_the_newest_does_not(
    tmp_path: Path, opt_out: Take, manifest: Take, gone: list[dict[str, Any]]
) -> None:
    def standing(behind: int) -> list[tuple[str, str, str]]:
        """The ledger, where the list comes behind so many manifests."""
        store = new_store(tmp_path / str(behind), buckets=4)
        came = [
            lambda: manifest(store, ITEMS[:2], name="0"),
            lambda: manifest(store, [ITEMS[1]], name="1"),
            lambda: manifest(store, ITEMS[2:], name="2", onto="1"),
            lambda: manifest(store, [*gone, ITEMS[2]], name="3"),
        ]
        came.insert(behind, lambda: opt_out(store, "item_id,state", "101,", "102,", "102,withdrawn", "999,"))
        for take in came:
            take()
        return sorted((row["kind"], row["key"], row["state"]) for row in ledger(store).to_pylist())

    first = standing(0)
    assert ("content", f"md5:{MD5}", "active") in first
    assert [standing(behind) for behind in (1, 2, 4)] == [first] * 3
    close_stores()


def test_the_command_says_what_it_added(
    store: Store, opt_out: Take, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opt_out(store, "item_id", "101")
    file = write(tmp_path, "a.parquet", ITEMS, schemas.MANIFEST)
    words = ["ingest", "manifest", store.url, file, "--format", "canonical", "--snapshot", "a"]
    assert run(words, {"runner": ByHand()}) == 0
    said = "\n  1 opt-out of the bytes of items that were opted out before, 0 held\n"
    assert said in capsys.readouterr().out
    assert run([*words, "--json"], {"runner": ByHand()}) == 0
    assert json.loads(capsys.readouterr().out)["same_bytes"] == {"entries": 1, "held": 0}
    assert run(["opt-outs", "list", store.url], {}) == 0
    first, derived = sorted(capsys.readouterr().out.splitlines(), key=lambda line: "same-bytes" in line)
    assert first.endswith(f"  1 entry, 0 held; opt-outs {tmp_path / 'list.csv'}")
    assert derived.endswith(f"  1 entry, 0 held; same-bytes {first.split()[0]}")


CONFIG = """
store = "store"
settle_seconds = 0
[inbox.opt-outs]
folder = "opt-outs"
max_age_days = 7
[inbox.manifests]
folder = "manifests"
format = "canonical"
how = "whole"
[[release]]
name = "research"
policy = "research"
"""


def test_a_night_tells_them_and_they_are_no_sign_that_lists_still_come(
    store: Store, manifest: Take, tmp_path: Path
) -> None:
    place = Place(tmp_path)
    place.config.write_text(CONFIG)
    for kind in ("opt-outs", "manifests"):
        (tmp_path / kind).mkdir()
    (tmp_path / "opt-outs" / "2096-11-10.txt").write_text("101\n")
    write(tmp_path / "manifests", "a.parquet", ITEMS, schemas.MANIFEST)

    def on(day: int) -> Callable[[], float]:
        return datetime.datetime(2096, 11, day, 12, tzinfo=datetime.UTC).timestamp

    summary = place.night(clock=on(17))
    assert list(summary.faults()) == []
    assert [(each.kind, each.rows) for each in summary.taken_in] == [
        (OPT_OUTS, 1),
        (MANIFESTS, 3),
        (OPT_OUTS, 1),
    ]
    assert [outcome.state for outcome in summary.outcomes] == ["published"]
    assert place.night(clock=on(17)).nothing_changed
    more = [{**each, "content_sha256": MD5 * 2} for each in ITEMS]
    assert [
        each.date for each in reuploads_of(store, manifest(store, more, name="b", received_on="2096-11-18"))
    ] == ["2096-11-18"]
    assert "the newest opt-out list is of 2096-11-10" in "\n".join(place.night(clock=on(18)).faults())
