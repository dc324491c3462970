"""`byleave policy diff` says what two releases differ in, without cutting either."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from byhand import ByHand
from worlds import World, cut, new_store, policy, rows, take_in

from pipelines import cli
from pipelines.release_inputs import choose_inputs
from pipelines.store.store import Store
from pipelines.whatif import Outcome, what_if
from transforms.domain import subbuckets
from transforms.domain.schemas import EXCLUDED, ITEMS

Copy = Callable[[Store], Store]
BEFORE, AFTER = "research", "generative-training"


def asked(store: Store) -> Outcome:
    return what_if(store, choose_inputs(store, as_of=None), policy(BEFORE), policy(AFTER), ByHand())


def cut_twice(store: Store) -> dict[str, int]:
    """The same counts, from the parts of two releases."""
    kept, out = {}, {}
    for version, name in (("1", BEFORE), ("2", AFTER)):
        parts = cut(store, name, version).parts
        kept[version] = {
            (r["source"], r["item_id"]): r for r in rows(store, parts["items"].values(), ITEMS).to_pylist()
        }
        left_out = rows(store, parts["excluded"].values(), EXCLUDED).to_pylist()
        out[version] = {(r["source"], r["item_id"]): r for r in left_out}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found["before"], found["after"] = [list(kept[version].values()) for version in ("1", "2")]
    for item in kept["1"].keys() - kept["2"].keys():
        row, why = kept["1"][item], out["2"][item]
        year = row["uploaded_at"].year if row["uploaded_at"] else "unknown"
        for name in ("", f"/reason/{why['first_reason']}", f"/license/{row['license']}", f"/year/{year}"):
            found["lost" + name].append(row)
    assert kept["1"].keys() > kept["2"].keys()
    owners = {name: {r["owner_id"] for r in each if r["owner_id"]} for name, each in found.items()}
    items = {f"items/{name}": len(each) for name, each in found.items()}
    return {
        "rows": len(kept["1"]) + len(out["1"]),
        **items,
        **{f"owners/{n}": len(o) for n, o in owners.items() if o},
    }


def test_it_is_what_two_releases_differ_in(full_hamlet: Store, copy: Copy) -> None:
    store = copy(full_hamlet)
    outcome = asked(store)
    stages = {path.name for path in (Path(store.url) / "memo").iterdir()}
    assert {"Join", "WhatIf"} <= stages
    assert not {"Cut", "Tally", "Gate"} & stages
    assert outcome.counts == cut_twice(store)
    again = asked(store)
    assert again == outcome


def test_an_owner_in_several_sub_buckets_is_one(
    hamlet: World, full_hamlet: Store, copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = asked(copy(full_hamlet))
    monkeypatch.setattr(subbuckets, "LIMIT_ROWS", 120)
    store = take_in(new_store(tmp_path / "divided"), hamlet)
    inputs = choose_inputs(store, as_of=None)
    assert any(subbuckets.is_divided(key, store.dataset.buckets) for key in inputs.manifest.buckets)
    assert asked(store) == whole


def test_whom_a_policy_trusts_is_compared_too(full_hamlet: Store, copy: Copy) -> None:
    store = copy(full_hamlet)
    inputs = choose_inputs(store, as_of=None)
    other = replace(policy(AFTER), observers=("somebody",))
    assert what_if(store, inputs, policy(BEFORE), other, ByHand()) == asked(store)


def test_the_command_prints_it_in_three_ways(
    full_hamlet: Store, copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    store = copy(full_hamlet)
    counts = asked(store).counts

    def run(*words: str) -> str:
        given = {"runner": ByHand()}
        assert cli.run(["policy", "diff", BEFORE, AFTER, "--store", store.url, *words], given) == 0
        return capsys.readouterr().out

    text, table = run(), list(csv.DictReader(io.StringIO(run("--csv"))))
    found = json.loads(run("--json"))
    assert text.startswith(f"{BEFORE} -> {AFTER}: {counts['rows']:,} items of 2014-05, as of 2")
    assert f"{counts['items/lost/license/CC-BY-NC-2.0']:,} items" in text
    assert {"items": counts["items/lost"], "owners": counts["owners/lost"]} == found["lost"]
    by_license = {row["value"]: int(row["items"]) for row in table if row["by"] == "license"}
    assert by_license == {row["value"]: row["items"] for row in found["changes"] if row["by"] == "license"}
    for by in ("reason", "license", "year"):
        assert sum(row["items"] for row in found["changes"] if row["by"] == by) == counts["items/lost"]
