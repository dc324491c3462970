"""The license ledger: how snapshots come leaves no trace in it, and releases of a past day stay the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from byhand import ByHand, listing
from worlds import cut, new_memos, policy

from pipelines.ingest import ingest_licenses, ingest_manifest, ingest_opt_outs
from pipelines.ledger import Ledger, ledger_of
from pipelines.release import cut_release
from pipelines.release_inputs import choose_inputs
from pipelines.store.blobs import Blob
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import LICENSES, MANIFESTS, Table
from transforms.domain.errors import ConfigError, StateError, TooManyQuarantined

Copy = Callable[[Store], Store]
Rows = list[dict[str, Any]]

DAY, LATER, LATEST = "2026-11-21", "2026-11-22", "2026-11-23"


def known(store: Store, *observers: str) -> Ledger:
    inputs = choose_inputs(store, as_of=None, without_opt_outs=True)
    return ledger_of(store, inputs, ByHand(), observers)


def look(store: Store, folder: Path, rows: Rows, day: str, **how: Any) -> Table:
    """Take in a snapshot of rows: each an item, its owner, and what else is not as it mostly is."""
    plain = {"license": "CC-BY-2.0", "visibility": "public", "observed_on": ""}
    names = ("item_id", "owner_id", *plain)
    lines = [",".join(str((plain | row)[name] or "") for name in names) for row in rows]
    file = folder / f"{day}.csv"
    file.write_text("\n".join([",".join(names), *lines, ""]), encoding="utf-8")
    return ingest_licenses(store, [str(file)], fmt="csv", runner=ByHand(), **{"observed_on": day, **how})


@pytest.fixture
def store(full_hamlet: Store, copy: Copy) -> Store:
    return copy(full_hamlet)


@pytest.fixture
def items(store: Store) -> Rows:
    """An item of each of three owners, who live in three buckets."""
    blobs = list(store.tables.get(MANIFESTS, "2014-05").buckets.values())[:3]
    return [rows_of(store, blob)[0] for blob in blobs]


def rows_of(store: Store, blob: Blob) -> Rows:
    """The items of a bucket that have an owner."""
    rows = store.blobs.get_table(blob, ["item_id", "owner_id"]).to_pylist()
    return [row for row in rows if row["owner_id"]]


def changed(before: Ledger, after: Ledger) -> int:
    return len({*before.buckets.items()} ^ {*after.buckets.items()}) // 2


# --- How snapshots come ----------------------------------------------------------------------------------


def test_the_same_snapshot_under_another_name_is_no_news(store: Store, items: Rows, tmp_path: Path) -> None:
    look(store, tmp_path, items, DAY)
    before, seen = known(store), listing(Path(store.url))
    look(store, tmp_path, items, DAY, snapshot="again")
    seen = listing(Path(store.url))
    assert known(store) == before
    assert new_memos(seen, listing(Path(store.url))) == {}


def test_snapshots_in_either_order_give_the_same_ledger(
    full_hamlet: Store, copy: Copy, tmp_path: Path, items: Rows
) -> None:
    hidden = [{**row, "visibility": "private"} for row in items[:2]]
    looks: list[tuple[Rows, str, dict[str, Any]]] = [
        (items, DAY, {}),
        (hidden, LATER, {}),
        (items[1:], LATEST, {"full": True}),
        (hidden, "2024-03-01", {"received_on": LATEST, "observer": "archive"}),
    ]
    found = set()
    for order in (looks, looks[::-1], looks[2:] + looks[:2]):
        other = copy(full_hamlet)
        for rows, day, how in order:
            look(other, tmp_path, rows, day, **how)
            known(other)  # so that there is a ledger to extend
        found.add(known(other).digest)
    assert len(found) == 1


def test_a_snapshot_in_which_nothing_changed_leaves_every_bucket_as_it_was(
    store: Store, items: Rows, tmp_path: Path
) -> None:
    bucket = rows_of(store, next(iter(store.tables.get(MANIFESTS, "2014-05").buckets.values())))
    look(store, tmp_path, bucket + items[1:], DAY)
    before = known(store)
    looks: list[tuple[Rows, str, dict[str, int]]] = [
        (bucket + items[1:], LATER, {}),
        (bucket[3:], LATEST, {"Ledger": 1}),  # other bytes
    ]
    for rows, day, costs in looks:
        look(store, tmp_path, rows, day)
        seen = listing(Path(store.url))
        assert known(store) == before
        assert new_memos(seen, listing(Path(store.url))) == costs


def test_one_change_is_one_bucket_whose_ledger_is_extended(
    store: Store, copy: Copy, items: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = copy(store)
    before = known(store)
    for each in (store, fresh):
        look(each, tmp_path, [{**items[0], "license": "all-rights-reserved"}], DAY)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.steps.ledger.build_ledger", None)
        after = known(store)
    assert changed(before, after) == 1
    assert after.counts["events"] == before.counts["events"] + 1
    assert known(fresh) == after
    memos = [{n for n in listing(Path(each.url)) if n.startswith("memo/Ledger/")} for each in (store, fresh)]
    assert memos[1] < memos[0]
    for name in memos[1]:
        assert (Path(store.url) / name).read_bytes() == (Path(fresh.url) / name).read_bytes()


def test_what_is_remembered_needs_neither_beam_nor_a_write(store: Store) -> None:
    found = known(store)
    seen = listing(Path(store.url))
    program = (
        "import sys; from pipelines.store.store import open_store; from pipelines.ledger import ledger_of;"
        "from pipelines.release_inputs import choose_inputs; from pipelines.runner import Runner;"
        "store = open_store(sys.argv[1]); inputs = choose_inputs(store, as_of=None, without_opt_outs=True);"
        "print(ledger_of(store, inputs, Runner()).digest, 'apache_beam' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, store.url], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [found.digest, "False"]
    assert listing(Path(store.url)) == seen


# --- What releases make of it ----------------------------------------------------------------------------


def verdicts(store: Store, release: Release) -> dict[str, str]:
    """Why items were left out, by their id."""
    return {
        row["item_id"]: row["first_reason"]
        for blob in release.parts["excluded"].values()
        for row in store.blobs.get_table(blob, ["item_id", "first_reason"]).to_pylist()
    }


def test_what_a_full_snapshot_does_not_list_is_missing(store: Store, items: Rows, tmp_path: Path) -> None:
    listed = [{"item_id": row["item_id"], "owner_id": row["owner_id"]} for row in seen_of(store)]
    gone = next(row for row in listed if row["item_id"] not in verdicts(store, cut(store, version="1")))
    look(store, tmp_path, [row for row in listed if row != gone], DAY)
    partial = verdicts(store, cut(store, version="2"))
    assert gone["item_id"] not in partial
    # Some with their owner, some without, some in both ways: they are one look.
    rest = [row for row in listed if row != gone]
    unowned = [{**row, "owner_id": ""} for row in rest[::3]]
    look(store, tmp_path, rest[1::3] + rest[2::3] + unowned + rest[::9], LATER, full=True)
    after = cut(store, version="3")
    assert verdicts(store, after)[gone["item_id"]] == "missing"
    assert {item for item, why in verdicts(store, after).items() if why == "missing"} == {gone["item_id"]}
    kept = replace(policy("research"), missing="keep", unknown_license="keep")
    lenient, _ = cut_release(store, choose_inputs(store, as_of=None), kept, "4", ByHand())
    assert gone["item_id"] not in verdicts(store, lenient)


def seen_of(store: Store) -> Rows:
    """Every item that a snapshot has seen, once."""
    found = {
        row["item_id"]: row
        for table in store.tables.all(LICENSES)
        for blob in (*table.buckets.values(), *table.shards.values())
        for row in store.blobs.get_table(blob, ["item_id", "owner_id"]).to_pylist()
    }
    return list(found.values())


def test_of_two_observers_on_one_day_the_policy_s_more_trusted_one_rules(
    store: Store, items: Rows, tmp_path: Path
) -> None:
    item = items[0]
    look(store, tmp_path, [{**item, "license": "CC0-1.0"}], LATEST)
    table = look(store, tmp_path, [{**item, "visibility": "deleted"}], LATEST, observer="archive")
    assert (table.name, table.observer) == (f"{LATEST}-archive", "archive")
    for number, (observers, reason) in enumerate(
        [
            ((), "deleted"),
            (("flickr",), None),
            (("archive", "flickr"), "deleted"),
            (("flickr", "archive"), None),
        ]
    ):
        trusting = replace(policy("research"), observers=observers)
        release, _ = cut_release(store, choose_inputs(store, as_of=None), trusting, str(number), ByHand())
        assert verdicts(store, release).get(item["item_id"]) == reason


def test_of_two_observers_who_differ_in_the_license_alone_the_stricter_license_rules(
    store: Store, items: Rows, tmp_path: Path
) -> None:
    item = {**items[0], "visibility": "public"}
    look(store, tmp_path, [{**item, "license": "CC-BY-2.0"}], LATEST)
    look(store, tmp_path, [{**item, "license": "all-rights-reserved"}], LATEST, observer="archive")
    release, _ = cut_release(store, choose_inputs(store, as_of=None), policy("research"), "1", ByHand())
    assert verdicts(store, release)[item["item_id"]] in ("license_withdrawn", "license_not_allowed")


def test_what_a_full_snapshot_lists_and_cannot_be_read_is_not_missing(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "full.csv"
    rows = "".join(f"flickr,{1000 + n},,CC-BY-2.0,public\n" for n in range(999))
    file.write_text(f"source,item_id,owner_id,license,visibility\n{rows}flickr,,,CC-BY-2.0,public\n")
    how: dict[str, Any] = {"fmt": "csv", "observed_on": DAY, "runner": ByHand()}
    with pytest.raises(TooManyQuarantined, match="Accepted is 0.00%"):
        ingest_licenses(store, [str(file)], full=True, **how)
    said = ingest_licenses(store, [str(file)], full=True, max_quarantined_share=0.001, **how)
    assert said.counts["quarantined"] == 1
    assert ingest_licenses(store, [str(file)], snapshot="partial", **how).counts["quarantined"] == 1


def test_a_release_of_a_past_day_is_what_it_was_byte_for_byte(
    store: Store, copy: Copy, items: Rows, tmp_path: Path
) -> None:
    fresh = copy(store)
    then = cut(store, version="then", as_of="2026-11-20")
    look(store, tmp_path, [{**row, "visibility": "private"} for row in items], DAY)
    late = [{**row, "license": "all-rights-reserved"} for row in items]
    look(store, tmp_path, late, "2024-03-01", received_on=LATER, observer="archive")
    file = tmp_path / "list.txt"
    file.write_text(items[0]["item_id"] + "\n")
    ingest_opt_outs(store, [str(file)], received_on=DAY, runner=ByHand())
    newer = store.tables.get(MANIFESTS, "2014-05").files[0]["name"]
    manifest = ingest_manifest(
        store,
        [newer],
        fmt="yfcc100m",
        snapshot="2026-12",
        received_on=LATER,
        max_quarantined_share=0.1,
        runner=ByHand(),
    )
    assert choose_inputs(store, as_of=None).manifest == manifest
    assert choose_inputs(store, as_of=None).as_of == LATER
    again, new = cut_release(
        store, choose_inputs(store, as_of="2026-11-20"), policy("research"), "then", ByHand()
    )
    assert (again.digest, new) == (then.digest, False)
    assert cut(fresh, version="then", as_of="2026-11-20").digest == then.digest
    with pytest.raises(StateError, match=f"'2026-12' was received on {LATER}: a release as of 2026-11-20"):
        choose_inputs(store, as_of="2026-11-20", manifest="2026-12")


def test_a_history_is_of_its_own_days_and_never_rules_over_what_was_seen_later(
    store: Store, items: Rows, tmp_path: Path
) -> None:
    before = cut(store, version="1")
    old = [{**row, "license": "all-rights-reserved", "observed_on": "2004-05-06"} for row in items]
    look(store, tmp_path, old, DAY, observer="flickr-history")
    after = cut(store, version="2")
    assert after.parts["excluded"] == before.parts["excluded"]
    assert known(store).counts["rows"] > 0


# --- What ingest says of it ------------------------------------------------------------------------------


def test_a_snapshot_that_came_late_is_known_since_it_came(store: Store, items: Rows, tmp_path: Path) -> None:
    table = look(store, tmp_path, items, "2024-03-01", received_on=DAY, full=True)
    assert (table.name, table.date, table.observed_on) == (DAY, DAY, "2024-03-01")
    assert (table.dated, table.full, table.observer) == (True, True, "")
    again = look(store, tmp_path, items, "2024-03-01", received_on=DAY, full=True, observer="flickr")
    assert again == table
    asked = {"received_on": DAY, "full": True, "snapshot": DAY}
    there = f"'{DAY}' exists, and is of the day {DAY}, observed on 2024-03-01, full, not of"
    for how in ({"full": False}, {"observer": "archive"}, {"observed_on": "2024-03-02"}):
        with pytest.raises(StateError, match=there):
            look(store, tmp_path, items, "2024-03-01", **{**asked, **how})
    with pytest.raises(ConfigError, match=f"received on 2024-02-29, before the day {DAY}"):
        look(store, tmp_path, items, DAY, received_on="2024-02-29")


def test_a_manifest_cannot_be_older_than_what_it_adds_to(store: Store) -> None:
    file = store.tables.get(MANIFESTS, "2014-05").files[0]["name"]
    how: dict[str, Any] = {"fmt": "yfcc100m", "runner": ByHand(), "max_quarantined_share": 0.1}
    ingest_manifest(store, [file], snapshot="base", received_on=LATER, **how)
    with pytest.raises(ConfigError, match=f"received on {DAY}, before 'base'"):
        ingest_manifest(store, [file], snapshot="added", onto="base", received_on=DAY, **how)
    assert ingest_manifest(store, [file], snapshot="added", onto="base", **how).date == LATER
