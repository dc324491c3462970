"""From a request to a release and back, by the command line: what is held removes nothing, and says why."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from byhand import ByHand
from worlds import cut, new_store, rows

from pipelines.cli import run
from pipelines.ingest import ingest_licenses, ingest_manifest, ingest_opt_outs
from pipelines.optouts.approvals import approve, refuse, withdraw
from pipelines.optouts.receipts import receipt
from pipelines.optouts.requests import waiting
from pipelines.store.releases import Release
from pipelines.store.store import Dataset, Store, close_stores, create_store
from pipelines.store.tables import OPT_OUTS, Table
from transforms.domain import schemas
from transforms.domain.errors import ConfigError, InputError, StateError
from transforms.intake import Rules

A, B, C = "11111111@N00", "22222222@N01", "33333333@N02"
MD5 = "0123456789abcdef0123456789abcdef"


def item(item_id: str, owner_id: str, **more: Any) -> dict[str, Any]:
    page = f"https://www.flickr.com/photos/{owner_id}/{item_id}/"
    return {"source": "flickr", "item_id": item_id, "owner_id": owner_id, "license": "CC-BY-2.0",
            "media_type": "photo", "page_url": page, **more}  # fmt: skip


ITEMS = [
    item("101", A, owner_name="John Smith", content_md5=MD5, tags=["cat"]),
    item("102", A, owner_name="John Smith", tags=["cat", "dog"]),
    item("201", B, owner_name="John Smith", tags=["cat"]),
    item("202", B, owner_name="John Smith", content_md5=MD5),  # the same bytes, uploaded again
    item("301", C, owner_name="Carol", page_url="https://www.flickr.com/photos/carol/301/"),
]
ALL_ITEMS = {each["item_id"] for each in ITEMS}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = new_store(tmp_path / "store", buckets=4)
    manifest = pa.Table.from_pylist(ITEMS, schema=schemas.MANIFEST)
    pq.write_table(manifest, tmp_path / "items.parquet")
    ingest_manifest(store, [str(tmp_path / "items.parquet")], fmt="canonical", snapshot="a", runner=ByHand())
    seen = [
        {name: each[name] for name in ("source", "item_id", "owner_id", "license")} | {"visibility": "public"}
        for each in ITEMS
    ]
    pq.write_table(pa.Table.from_pylist(seen, schema=schemas.LICENSES), tmp_path / "seen.parquet")
    file = str(tmp_path / "seen.parquet")
    ingest_licenses(store, [file], fmt="canonical", observed_on="2026-11-01", runner=ByHand())
    yield store
    close_stores()


def write(folder: Path, name: str, *lines: str) -> str:
    file = folder / name
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return str(file)


def opt_out(store: Store, file: str, day: str = "2026-11-10", **more: Any) -> Table:
    return ingest_opt_outs(store, [file], received_on=day, runner=ByHand(), **more)


def requests_of(store: Store, table: Table) -> list[str]:
    entries = store.blobs.get_table(table.blobs["entries"], schema=schemas.OPT_OUTS)
    return sorted(set(entries["request"].to_pylist()))


def kept(store: Store, release: Release) -> set[str]:
    return set(rows(store, release.parts["items"].values(), schemas.ITEMS)["item_id"].to_pylist())


def told(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run(list(words), {"runner": ByHand()})
    return code, capsys.readouterr().out


HOSTILE = {
    "^.+$": "is a pattern",
    "*": "is a pattern",
    "%": "is a pattern",
    "name:J\u043ehn Smith": "mixes Cyrillic and Latin letters in a word",
    "flickr.com": "is a host of many people",
    "name:John Smith": "the name of 2 owners: it does not say whose",
}


def test_hostile_requests_are_listed_and_remove_nothing(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "hostile.txt", *HOSTILE, "")
    before = set(store.tables.names(OPT_OUTS))
    code, out = told("opt-outs", "check", store.url, file, "--json", capsys=capsys)
    checked = json.loads(out)
    assert code == 0
    assert {row["raw"]: row["held_for"] for row in checked["entries_told"]} == HOSTILE
    assert {row["state"] for row in checked["entries_told"]} == {"held"}
    assert checked["blank_lines"] == 1
    assert set(store.tables.names(OPT_OUTS)) == before, "a dry run takes in nothing"

    code, out = told("ingest", "opt-outs", store.url, file, "--received-on", "2026-11-10", capsys=capsys)
    assert code == 0
    assert "6 held" in out
    code, out = told("opt-outs", "list", store.url, "--held", "--json", capsys=capsys)
    assert {row["raw"]: row["held_for"] for row in json.loads(out)["held"]} == HOSTILE
    assert kept(store, cut(store)) == ALL_ITEMS


def test_what_is_not_understood_is_named_with_its_line(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "odd.txt", A, *["what?"] * 25)
    code, out = told("opt-outs", "check", store.url, file, capsys=capsys)
    assert code == InputError.exit_code
    assert f"{file}, line 2: 'what?' is not" in out
    assert f"{file}: and 5 more" in out
    assert "owner '11111111@N00'  2 items of 1 owner (40.00%)" in out
    code, out = told("opt-outs", "check", store.url, file, "--json", capsys=capsys)
    assert len(json.loads(out)["faults"]) == 25
    with pytest.raises(InputError):
        opt_out(store, file)


def test_check_speaks_of_today_where_nobody_says_a_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_store(tmp_path / "new", buckets=4)  # it knows of no day
    asked = write(tmp_path, "a.csv", "owner_id,requested_on", f"{A},2024-02-29")
    code, out = told("opt-outs", "check", str(tmp_path / "new"), asked, capsys=capsys)
    assert (code, out.splitlines()[0]) == (
        0,
        "1 entry of 1 request: 1 active, 0 held, 0 withdrawn; 0 lines not understood",
    )
    empty = write(tmp_path, "empty.txt", "", "")
    code, out = told("opt-outs", "check", str(tmp_path / "new"), empty, capsys=capsys)
    assert code == 0
    assert "the list is empty: ingest takes it in with --allow-empty alone" in out
    close_stores()


def test_policy_diff_is_as_of_the_day_of_a_release_that_is_cut_now(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = new_store(tmp_path / "old", buckets=4)  # all that it was told is of 2024
    files = {name: [str(tmp_path / f"{name}.parquet")] for name in ("items", "seen")}
    ingest_manifest(old, files["items"], fmt="canonical", snapshot="a", runner=ByHand())
    ingest_licenses(old, files["seen"], fmt="canonical", observed_on="2024-02-01", runner=ByHand())
    lapsed = write(tmp_path, "a.csv", "owner_id,expires_on,purposes", f"{A},2024-03-01,commercial")
    opt_out(old, lapsed, "2024-02-29")
    words = ("policy", "diff", "research", "commercial", "--store", old.url, "--json")
    then = json.loads(told(*words, "--as-of", "2024-02-29", capsys=capsys)[1])
    now = json.loads(told(*words, capsys=capsys)[1])
    assert (then["as_of"], then["lost"]["items"]) == ("2024-02-29", 2)
    assert (now["as_of"], now["lost"]["items"]) == ("2024-03-01", 0)


def test_check_as_csv_has_a_line_for_each_entry(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "list.txt", A, "#dog")
    _, out = told("opt-outs", "check", store.url, file, "--csv", "--only-items", capsys=capsys)
    header, *lines = out.splitlines()
    assert header.startswith('"request","kind","source","key"')
    assert [line.split(",")[1:4] + line.split(",")[-3:] for line in lines] == [
        ['"owner"', '"flickr"', f'"{A}"', "2", "1", "0.4"],
        ['"tag"', "", '"dog"', "1", "1", "0.2"],
    ]


def test_a_request_above_the_share_waits_until_somebody_approves(store: Store, tmp_path: Path) -> None:
    table = opt_out(store, write(tmp_path, "cats.txt", "#cat"), rules=Rules(few_items=2))
    (request,) = requests_of(store, table)
    assert table.counts["held"] == 1
    assert receipt(store, request).state == "held"
    assert kept(store, cut(store, version="1")) == ALL_ITEMS
    approved, intake = approve(store, [request], received_on="2026-11-12", evidence="the board")
    assert (approved.counts["tags"], intake.weighing.items) == (1, 5)
    assert receipt(store, request).state == "received"
    assert kept(store, cut(store, version="2")) == ALL_ITEMS - {"101", "102", "201"}
    found = receipt(store, request)
    assert (found.state, found.honored, found.items, found.owners) == (
        "active",
        {"research-noncommercial": "2"},
        3,
        2,
    )
    assert found.held_for == ("its request meets 3 of 5 items, a larger share than 0.001",)
    with pytest.raises(StateError, match="nothing of it waits"):
        approve(store, [request], received_on="2026-11-13", evidence="again")


def test_what_is_refused_never_counts_and_takes_back_nobody_elses(store: Store, tmp_path: Path) -> None:
    mine = opt_out(store, write(tmp_path, "mine.txt", "#dog"))
    theirs = opt_out(store, write(tmp_path, "theirs.csv", "tag,request", "dog,t", "cat,t"), "2026-11-11",
                     rules=Rules(few_items=2))  # fmt: skip
    assert (mine.counts["tags"], theirs.counts["held"]) == (1, 2)
    refused = refuse(store, ["t"], received_on="2026-11-12", evidence="not theirs")
    assert refused.counts["withdrawn"] == 2
    assert len(waiting(store)) == 0
    assert kept(store, cut(store)) == ALL_ITEMS - {"102"}
    assert receipt(store, "t").state == "refused"
    assert receipt(store, requests_of(store, mine)[0]).state == "active"


def test_a_withdrawn_request_gives_back_the_same_bytes(store: Store, tmp_path: Path) -> None:
    opt_out(store, write(tmp_path, "none.txt", "99999999@N00"), "2026-11-09")
    before = cut(store, version="1")
    table = opt_out(store, write(tmp_path, "a.txt", "101"))
    (request,) = requests_of(store, table)
    assert table.counts["derived"] == 1
    # The same bytes are out, under whatever id.
    assert kept(store, cut(store, version="2")) == ALL_ITEMS - {"101", "202"}
    with pytest.raises(ConfigError, match="later day"):
        withdraw(store, [request], received_on="2026-11-10", evidence="too soon")
    withdraw(store, [request], received_on="2026-11-12", evidence="they changed their mind")
    assert receipt(store, request).state == "withdrawn"
    after = cut(store, version="3")
    assert after.parts["items"] == before.parts["items"]
    found = receipt(store, request)
    assert (found.state, found.dates["withdrawn"]) == ("restored", "2026-11-12")
    assert found.honored == {"research-noncommercial": "2"}
    assert receipt(store, request, as_of="2026-11-11").state == "active"
    with pytest.raises(StateError, match="nothing to withdraw"):
        withdraw(store, [request], received_on="2026-11-13", evidence="again")


def test_what_something_else_keeps_out_is_not_restored(store: Store, tmp_path: Path) -> None:
    opt_out(store, write(tmp_path, "a.csv", "item_id,request", "102,one"), rules=Rules(only_items=True))
    opt_out(store, write(tmp_path, "b.txt", A))
    withdraw(store, ["one"], received_on="2026-11-12", evidence="a letter")
    assert kept(store, cut(store)) == ALL_ITEMS - {"101", "102"}
    assert receipt(store, "one").state == "withdrawn"


def test_only_the_item_itself(store: Store, tmp_path: Path) -> None:
    table = opt_out(store, write(tmp_path, "a.txt", "101"), rules=Rules(only_items=True))
    assert table.counts["derived"] == 0
    assert kept(store, cut(store)) == ALL_ITEMS - {"101"}


def test_bytes_that_many_have_wait_and_the_item_itself_does_not(store: Store, tmp_path: Path) -> None:
    table = opt_out(store, write(tmp_path, "a.txt", "101"), rules=Rules(few_items=1))
    assert (table.counts["items"], table.counts["contents"], table.counts["held"]) == (1, 0, 1)
    assert kept(store, cut(store)) == ALL_ITEMS - {"101"}


def test_what_somebody_else_asked_too_is_not_withdrawn_with_it(store: Store, tmp_path: Path) -> None:
    one = opt_out(store, write(tmp_path, "one.txt", A))
    two = opt_out(store, write(tmp_path, "two.txt", A), "2026-11-11")
    (first,), (second,) = requests_of(store, one), requests_of(store, two)
    with pytest.raises(StateError, match=second):
        withdraw(store, [first], received_on="2026-11-12", evidence="a letter")
    withdraw(store, [first, second], received_on="2026-11-12", evidence="a letter")
    assert kept(store, cut(store)) == ALL_ITEMS


def test_a_list_that_grew_by_mistake_waits_as_a_whole(store: Store, tmp_path: Path) -> None:
    small = [f"{number}@N00" for number in range(1_000, 1_031)]
    large = [f"{number}@N00" for number in range(2_000, 2_795)]
    first = opt_out(store, write(tmp_path, "robots.txt", *small), "2026-11-01", origin="ai.robots.txt")
    grown = write(tmp_path, "other-name.txt", A, B, *large)
    second = opt_out(store, grown, "2026-11-10", origin="ai.robots.txt")
    assert (first.counts["held"], second.counts["held_whole"]) == (0, 797)
    assert kept(store, cut(store, version="1")) == ALL_ITEMS
    # Taken in once more, or a day later, it is still unlike the last version that stands.
    assert opt_out(store, grown, "2026-11-11", origin="ai.robots.txt").counts["held_whole"] == 797
    approve(store, [], lists=[second.name], received_on="2026-11-12", evidence="they confirmed it")
    assert kept(store, cut(store, version="2")) == {"301"}
    assert opt_out(store, grown, "2026-11-12", origin="ai.robots.txt").counts["held"] == 0
    longer = write(tmp_path, "longer.txt", A, B, *large, C)
    assert opt_out(store, longer, "2026-11-13", origin="ai.robots.txt").counts["held"] == 0


def test_a_list_of_another_origin_is_no_version(store: Store, tmp_path: Path) -> None:
    opt_out(store, write(tmp_path, "a.txt", "1@N00"), "2026-11-01", origin="one")
    many = write(tmp_path, "a.txt", *(f"{number}@N00" for number in range(1_000, 1_200)))
    assert opt_out(store, many, origin="another").counts["held"] == 0
    assert opt_out(store, many, origin="one").counts["held"] == 200


def test_a_list_that_may_be_a_mistake_withdraws_nothing(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows_of = [f"{number}@N00" for number in range(1_000, 1_300)]
    opt_out(store, write(tmp_path, "r.csv", "owner_id", *rows_of), "2026-11-01")
    back = write(
        tmp_path,
        "r.csv",
        "owner_id,state",
        f"{rows_of[0]},withdrawn",
        *(f"{each}," for each in rows_of[1:120]),
    )
    with pytest.raises(InputError, match="shrank from 300 to 120 .*, and 1 entry of it would end opt-outs"):
        opt_out(store, back)
    assert len(store.tables.names(OPT_OUTS)) == 1
    assert (
        "ingest refuses it, since it withdraws"
        in told("opt-outs", "check", store.url, back, capsys=capsys)[1]
    )
    table = opt_out(store, back, rules=Rules(max_shrink=1))
    assert (table.counts["withdrawn"], table.counts["held"]) == (1, 0)


@pytest.mark.parametrize("what", ["*", "name:J\u043ehn Smith"])
def test_what_names_nothing_cannot_be_approved(store: Store, tmp_path: Path, what: str) -> None:
    (request,) = requests_of(store, opt_out(store, write(tmp_path, "odd.txt", what)))
    if what == "*":
        with pytest.raises(StateError, match="names nothing that can be looked for"):
            approve(store, [request], received_on="2026-11-12", evidence="no")
    else:
        table, _ = approve(store, [request], received_on="2026-11-12", evidence="it is really theirs")
        assert table.counts["names"] == 1


@pytest.mark.parametrize(
    ("asked", "stays"), [(["101"], set()), (["101", MD5], {"101", "202"}), (["101", "202"], {"101", "202"})]
)
def test_who_takes_back_an_item_leaves_what_else_they_asked_for(
    store: Store, tmp_path: Path, asked: list[str], stays: set[str]
) -> None:
    """The ledger cannot tell one asker's entries of a hash apart: a list that withdraws one would all."""
    opt_out(store, write(tmp_path, "asked.txt", *asked))
    assert kept(store, cut(store, version="1")) == ALL_ITEMS - {"101", "202"}
    opt_out(store, write(tmp_path, "back.csv", "target,state", "101,withdrawn"), day="2026-11-12")
    assert kept(store, cut(store, version="2")) == ALL_ITEMS - stays
    # What is left is withdrawn in its turn, and nothing of the first one lingers.
    left = [f"{target},withdrawn" for target in asked[1:]]
    if left:
        opt_out(store, write(tmp_path, "left.csv", "target,state", *left), day="2026-11-13")
        assert kept(store, cut(store, version="3")) == ALL_ITEMS


def test_of_a_request_taken_back_for_one_purpose_so_are_the_bytes(store: Store, tmp_path: Path) -> None:
    opt_out(store, write(tmp_path, "asked.txt", "101"))
    line = "101,withdrawn,research-noncommercial"
    opt_out(store, write(tmp_path, "back.csv", "target,state,purposes", line), day="2026-11-12")
    assert kept(store, cut(store)) == ALL_ITEMS


def test_of_two_items_taken_back_the_bytes_stay_out_for_what_is_left_of_one(
    store: Store, tmp_path: Path
) -> None:
    opt_out(store, write(tmp_path, "asked.txt", "101", "202"))
    lines = ("target,state,purposes", "101,withdrawn,generative-training", "202,withdrawn,")
    opt_out(store, write(tmp_path, "back.csv", *lines), day="2026-11-12")
    assert kept(store, cut(store)) == ALL_ITEMS - {"101", "202"}


def test_approving_an_item_is_no_word_on_bytes_that_many_items_have(store: Store, tmp_path: Path) -> None:
    opt_out(store, write(tmp_path, "items.txt", "999"))
    many = [item(str(number), B, content_md5=MD5) for number in range(1_000, 2_001)]
    pq.write_table(pa.Table.from_pylist(many, schema=schemas.MANIFEST), tmp_path / "many.parquet")
    file = str(tmp_path / "many.parquet")
    ingest_manifest(store, [file], fmt="canonical", snapshot="b", received_on="2026-11-11", runner=ByHand())
    opt_out(store, write(tmp_path, "items.txt", *map(str, range(890, 1_001))), day="2026-11-12")
    requests = waiting(store)["request"].to_pylist()
    with pytest.raises(StateError, match=f"the bytes of 1000 are md5:{MD5}: its request meets 1001 of 1001"):
        approve(store, requests, received_on="2026-11-13", evidence="they are theirs")
    table, _ = approve(store, requests, received_on="2026-11-13", evidence="theirs", only_items=True)
    assert (table.counts["items"], table.counts["contents"]) == (111, 0)


def test_a_host_of_any_ending_can_be_approved(store: Store, tmp_path: Path) -> None:
    """Without the word `host:` it would be a file, or somebody's name."""
    opt_out(store, write(tmp_path, "list.txt", "host:pictures.internal"))
    ids = [str(number) for number in range(1_000, 1_200)]
    opt_out(store, write(tmp_path, "list.txt", "host:pictures.internal", *ids), day="2026-11-11")
    requests = waiting(store)["request"].to_pylist()
    assert len(requests) == 201
    table, _ = approve(store, requests, received_on="2026-11-12", evidence="it is meant so")
    assert (table.counts["hosts"], table.counts["items"]) == (1, 200)


def test_a_request_in_the_future_is_received_and_later_honored(store: Store, tmp_path: Path) -> None:
    lines = ("owner_id,request,effective_on,expires_on", f"{A},f,2026-12-01,2026-12-24")
    opt_out(store, write(tmp_path, "later.csv", *lines))
    assert kept(store, cut(store, version="1")) == ALL_ITEMS
    assert receipt(store, "f").state == "received"
    assert kept(store, cut(store, version="2", as_of="2026-12-05")) == ALL_ITEMS - {"101", "102"}
    found = receipt(store, "f")
    assert (found.state, found.honored) == ("active", {"research-noncommercial": "2"})
    assert receipt(store, "f", as_of="2026-12-24").state == "expired"
    assert found.dates == {"received": "2026-11-10", "effective": "2026-12-01", "expires": "2026-12-24"}


def test_receipts_and_decisions_on_the_command_line(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opt_out(store, write(tmp_path, "a.csv", "name,request", "John Smith,n"))
    words = ("--received-on", "2026-11-12", "--evidence", "by phone")
    code, out = told("opt-outs", "approve", store.url, "n", *words, capsys=capsys)
    assert (code, out.split(": ", 1)[1]) == (0, "1 entry approved, met by 4 items\n")
    _, out = told("opt-outs", "receipt", store.url, "n", capsys=capsys)
    assert out == (
        "request n: received as of 2026-11-12\n"
        "  held for: the name of 2 owners: it does not say whose\n"
        "  received 2026-11-10\n"
        "  effective 2026-11-10\n"
        "  meets 4 items of 2 owners in manifest a\n"
    )
    code, out = told("opt-outs", "withdraw", store.url, "n", "--received-on", "2026-11-13", "--evidence", "x",
                     capsys=capsys)  # fmt: skip
    assert (code, out.split(": ", 1)[1]) == (0, "1 entry withdrawn\n")
    code, _ = told("opt-outs", "refuse", store.url, "n", *words, capsys=capsys)
    assert code == StateError.exit_code
    code, _ = told("opt-outs", "receipt", store.url, "nobody", capsys=capsys)
    assert code == StateError.exit_code


def test_a_store_without_lists_or_days_answers_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = new_store(tmp_path / "undated", buckets=4)
    pq.write_table(pa.Table.from_pylist(ITEMS, schema=schemas.MANIFEST), tmp_path / "items.parquet")
    ingest_manifest(store, [str(tmp_path / "items.parquet")], fmt="canonical", snapshot="a", runner=ByHand())
    assert told("opt-outs", "receipt", store.url, "nobody", capsys=capsys)[0] == StateError.exit_code
    words = ("--policy", "research", "--version", "1", "--without-opt-outs")
    assert told("release", "cut", store.url, *words, capsys=capsys)[0] == 0
    code, out = told("explain", store.url, "101", capsys=capsys)
    assert (code, "visibility_unknown" in out) == (0, True)
    close_stores()


def test_explain_tells_an_entry_that_was_withdrawn(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opt_out(store, write(tmp_path, "a.csv", "item_id,request", "102,mine"))
    cut(store, version="1")
    assert "stands for nothing" not in told("explain", store.url, "102", capsys=capsys)[1]
    told("opt-outs", "withdraw", store.url, "mine", "--received-on", "2026-11-13", "--evidence", "x",
         capsys=capsys)  # fmt: skip
    cut(store, version="2")
    out = told("explain", store.url, "102", capsys=capsys)[1]
    assert "active but stands for nothing on this day  item 102" in out


def test_who_takes_back_what_waits_has_nothing_waiting(store: Store, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 64)
    asked = write(tmp_path, "asked.csv", "owner_id,request,requester", f"{A},r,a@example.org")
    taken_back = write(
        tmp_path, "back.csv", "owner_id,request,requester,state", f"{A},r,a@example.org,withdrawn"
    )
    opt_out(store, asked, rules=Rules(few_items=1), requester_key=str(key))
    assert receipt(store, "r").state == "held"
    opt_out(store, taken_back, "2026-11-11", requester_key=str(key))
    assert len(waiting(store)) == 0
    with pytest.raises(StateError, match="nothing of it waits"):
        approve(store, ["r"], received_on="2026-11-12", evidence="too late")
    assert kept(store, cut(store)) == ALL_ITEMS
    assert receipt(store, "r").state == "withdrawn", "it never counted, so nothing is restored"
    assert receipt(store, "r", as_of="2026-11-10").state == "held"


def test_who_asks_again_after_a_refusal_waits_again(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path, "list.csv", "owner_id,request", f"{A},r")
    opt_out(store, file, rules=Rules(few_items=1))
    refuse(store, ["r"], received_on="2026-11-11", evidence="not theirs")
    assert receipt(store, "r").state == "refused"
    assert receipt(store, "r", as_of="2026-11-10").state == "held"
    opt_out(store, file, "2026-11-12", rules=Rules(few_items=1))
    assert waiting(store)["received_on"].to_pylist() == [datetime.date(2026, 11, 12)]
    assert receipt(store, "r").state == "held"
    approve(store, ["r"], received_on="2026-11-13", evidence="it is theirs")
    assert kept(store, cut(store)) == ALL_ITEMS - {"101", "102"}


def test_what_somebody_else_asked_who_can_be_told_apart_stays(store: Store, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 64)
    lines = ("owner_id,request,requester", f"{A},one,a@example.org", f"{A},two,b@example.org")
    opt_out(store, write(tmp_path, "list.csv", *lines), requester_key=str(key))
    withdraw(store, ["one"], received_on="2026-11-12", evidence="a letter")
    assert receipt(store, "one").state == "withdrawn"
    assert receipt(store, "two").state in ("received", "active")
    assert kept(store, cut(store)) == ALL_ITEMS - {"101", "102"}


def test_what_waits_is_not_withdrawn_with_what_stands(store: Store, tmp_path: Path) -> None:
    opt_out(store, write(tmp_path, "one.csv", "owner_id,request", f"{A},one"))
    two = write(tmp_path, "two.csv", "owner_id,request", f"{A},two")
    opt_out(store, two, "2026-11-11", rules=Rules(few_items=1))
    with pytest.raises(StateError, match="two: asks for the same as one and still waits"):
        withdraw(store, ["one"], received_on="2026-11-12", evidence="a letter")
    refuse(store, ["two"], received_on="2026-11-12", evidence="not theirs")
    withdraw(store, ["one"], received_on="2026-11-12", evidence="a letter")
    assert kept(store, cut(store)) == ALL_ITEMS


def test_an_address_on_flickr_is_approved_in_a_dataset_of_another_platform(tmp_path: Path) -> None:
    store = create_store(str(tmp_path / "crawl"), Dataset("crawl", "crawl", 4))
    page = "https://www.flickr.com/photos/jane/1234567890/"
    crawled = [{**item("a1", "crawler", page_url=page), "source": "crawl"}]
    pq.write_table(pa.Table.from_pylist(crawled, schema=schemas.MANIFEST), tmp_path / "crawled.parquet")
    file = str(tmp_path / "crawled.parquet")
    ingest_manifest(store, [file], fmt="canonical", snapshot="a", runner=ByHand())
    opt_out(store, write(tmp_path, "list.csv", "url,request", f"{page},r"), rules=Rules(few_items=0))
    assert set(waiting(store)["request"].to_pylist()) == {"r"}
    approve(store, ["r"], received_on="2026-11-12", evidence="it is theirs")
    (why,) = cut(store).content["counts"]["first_reason"]
    assert why in ("opt_out_item", "opt_out_url")
