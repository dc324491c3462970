"""What a dry run says of a night is what the night then does; and it says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from byhand import ByHand, listing
from worlds import cut, new_memos, policy

from pipelines import code
from pipelines.ingest import ingest_licenses, ingest_opt_outs
from pipelines.outlook import Forecast, foresee
from pipelines.release_inputs import choose_inputs
from pipelines.store.store import Store

Copy = Callable[[Store], Store]


def opt_out(store: Store, folder: Path, lines: list[str]) -> None:
    file = folder / "list.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ingest_opt_outs(store, [str(file)], received_on="2026-11-21", runner=ByHand())


def outlook(store: Store, name: str = "research") -> dict[str, Forecast]:
    return {each.stage: each for each in foresee(store, choose_inputs(store, as_of=None), policy(name))}


def done_by_a_cut(store: Store) -> dict[str, int]:
    seen = listing(Path(store.url))
    cut(store, version="2")
    return new_memos(seen, listing(Path(store.url)))


def test_an_owner_is_one_bucket(full_hamlet: Store, copy: Copy, tmp_path: Path) -> None:
    store = copy(full_hamlet)
    part = next(iter(cut(store).parts["items"].values()))
    owner = store.blobs.get_table(part, ["owner_id"])["owner_id"].drop_null()[0].as_py()
    opt_out(store, tmp_path, [owner])
    seen = outlook(store)
    assert (seen["Standing"].to_do, seen["Standing"].why) == (1, {"opt_outs": 1, "as_of": 1})
    for stage in ("Join", "Cut"):  # what stands is not known yet, but nobody else is concerned
        assert (seen[stage].to_do, seen[stage].at_most) == (0, 1)
    assert seen["Scan"].at_most == 0
    done = done_by_a_cut(store)
    assert (done["Join"], done["Cut"]) == (1, 1)


def test_of_items_only_their_number_is_known(full_hamlet: Store, copy: Copy, tmp_path: Path) -> None:
    store = copy(full_hamlet)
    parts = list(cut(store).parts["items"].values())[:3]
    items = [store.blobs.get_table(part, ["item_id"])["item_id"][0].as_py() for part in parts]
    opt_out(store, tmp_path, items)
    seen = outlook(store)
    assert (seen["Resolve"].to_do, seen["Resolve"].at_most) == (0, store.dataset.shards)
    for stage in ("Join", "Cut"):
        assert (seen[stage].to_do, seen[stage].at_most) == (0, 3)
    assert done_by_a_cut(store)["Cut"] == 3


def test_a_url_may_concern_any_bucket(full_hamlet: Store, copy: Copy, tmp_path: Path) -> None:
    store = copy(full_hamlet)
    buckets = len(cut(store).parts["tallies"])
    opt_out(store, tmp_path, ["https://www.example.org/photos/1"])
    seen = outlook(store)
    assert (seen["WideTargets"].to_do, seen["WideTargets"].why) == (1, {"opt_outs": 1})
    for stage in ("Scan", "Join", "Cut"):
        assert (seen[stage].to_do, seen[stage].at_most) == (0, buckets)
    done = done_by_a_cut(store)
    assert done["Scan"] == buckets
    assert "Join" not in done  # nobody meets it


def test_licenses_without_an_owner_may_concern_any_bucket(
    full_hamlet: Store, copy: Copy, tmp_path: Path
) -> None:
    store = copy(full_hamlet)
    parts = list(cut(store).parts["items"].values())[:3]
    items = [store.blobs.get_table(part, ["item_id"])["item_id"][0].as_py() for part in parts]
    file = tmp_path / "licenses.csv"
    file.write_text(
        "item_id,owner_id,license,visibility\n" + "".join(f"{item},,CC0-1.0,public\n" for item in items),
        encoding="utf-8",
    )
    ingest_licenses(store, [str(file)], fmt="csv", observed_on="2026-11-21", runner=ByHand())
    seen = outlook(store)
    assert seen["Resolve"].why == {"licenses": seen["Resolve"].to_do}
    for stage in ("Ledger", "Join"):
        assert (seen[stage].to_do, seen[stage].at_most) == (0, seen[stage].actions)
    assert done_by_a_cut(store)["Join"] == 3


def test_another_policy_joins_nothing(full_hamlet: Store, copy: Copy) -> None:
    store = copy(full_hamlet)
    cut(store)
    seen = outlook(store, "commercial")
    assert seen["Join"].at_most == 0
    assert seen["Cut"].to_do == seen["Cut"].at_most == seen["Cut"].actions == seen["Cut"].why["policy"]


def test_a_first_release_is_all_to_do(full_hamlet: Store, copy: Copy) -> None:
    seen = outlook(copy(full_hamlet))
    assert seen["Join"].at_most == seen["Cut"].at_most == seen["Join"].actions == seen["Cut"].actions > 0
    assert seen["Resolve"].at_most == seen["Resolve"].actions
    assert seen["Resolve"].why == {"licenses": seen["Resolve"].to_do}
    assert seen["Scan"].to_do == seen["Scan"].actions == seen["Scan"].why["first"]
    assert seen["Ledger"].why == {"first": seen["Ledger"].to_do}
    assert seen["Join"].to_do == 0  # what each will be made of is not known yet


def test_other_code_is_the_reason_where_nothing_else_is(
    full_hamlet: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copy(full_hamlet)
    cut(store)
    digest = code.digest
    monkeypatch.setattr(code, "digest", lambda module: digest(module) + "!")
    seen = outlook(store)
    for stage in ("Standing", "Ledger", "Scan"):
        assert seen[stage].why == {"code": seen[stage].to_do}
        assert seen[stage].to_do == seen[stage].actions


def test_a_license_snapshot_with_news_of_one_owner_is_one_bucket(
    full_hamlet: Store, copy: Copy, tmp_path: Path
) -> None:
    store = copy(full_hamlet)
    part = next(iter(cut(store).parts["items"].values()))
    row = store.blobs.get_table(part, ["item_id", "owner_id"]).to_pylist()[0]
    file = tmp_path / "licenses.csv"
    file.write_text(
        f"item_id,owner_id,license,visibility\n{row['item_id']},{row['owner_id']},CC0-1.0,deleted\n"
    )
    ingest_licenses(store, [str(file)], fmt="csv", observed_on="2026-11-21", runner=ByHand())
    seen = outlook(store)
    assert (seen["Ledger"].to_do, seen["Ledger"].why) == (1, {"licenses": 1})
    assert (seen["Join"].to_do, seen["Join"].at_most) == (0, 1)
    done = done_by_a_cut(store)
    assert (done["Ledger"], done["Join"], done["Cut"]) == (1, 1, 1)
