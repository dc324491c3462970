"""`explain` works out from what was taken in what a release decided from facts: item by item the same."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest
from byhand import ByHand
from support.town import ARCHIVED, ROWS, Town, day, put
from worlds import new_store

from pipelines import cli
from pipelines.explain.explainer import Explainer, Explanation
from pipelines.ingest import ingest_detections, ingest_licenses, ingest_manifest
from pipelines.release import cut_release
from pipelines.release_inputs import choose_inputs
from pipelines.store.releases import PARTS
from pipelines.store.store import Store
from pipelines.store.tables import ALIASES, CONSENTS, OPT_OUTS, SIGNALS
from transforms.domain import reasons, schemas
from transforms.domain.licenses import LICENSES
from transforms.domain.policy import Policy

AS_OF = "2026-11-20"
KEPT_LICENSES = tuple(name for name, terms in LICENSES.items() if terms.copying)
POLICY = Policy(
    purpose="face-detection",
    allowed=KEPT_LICENSES,
    license_change="newest",
    unknown_license="exclude",
    private="exclude",
    deleted="exclude",
    missing="exclude",
    unknown_visibility="keep",
    people_present="require-grant",
    people_unknown="keep",
    grant="either",
)
POLICIES = {
    "1": POLICY,
    "2": replace(
        POLICY, purpose="generative-training", unreadable_signal="exclude", people_unknown="exclude"
    ),
    "3": replace(POLICY, purpose="search", license_change="as_ingested", unknown_signal="exclude"),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with records of every kind, and a release by each policy."""
    folder = tmp_path_factory.mktemp("town")
    store, town = new_store(folder / "store", 4), Town(1)
    for name, changed in (("before", True), ("now", False)):
        pq.write_table(town.manifest(changed), folder / f"{name}.parquet")
        day_of = {"before": "2026-10-01", "now": "2026-11-01"}[name]
        ingest_manifest(
            store,
            [str(folder / f"{name}.parquet")],
            fmt="canonical",
            snapshot=day_of,
            runner=ByHand(),
            received_on=day_of,
        )
    for number in (3, 6, 9):
        pq.write_table(town.looks(number), folder / "looks.parquet")
        ingest_licenses(
            store,
            [str(folder / "looks.parquet")],
            fmt="canonical",
            observed_on=day(number).isoformat(),
            runner=ByHand(),
            observer="archive" if number == 6 else None,
            full=number == 9,
        )
    pq.write_table(town.seen(), folder / "seen.parquet")
    ingest_detections(
        store, [str(folder / "seen.parquet")], fmt="canonical", observed_on="2026-11-03", runner=ByHand()
    )
    before: list[dict[str, Any]] = []
    for number in (4, 8, 12):
        rows = town.opt_outs(number, before)
        before += [row for row in rows if row["state"] == "active"]
        put(store, OPT_OUTS, number, rows, schemas.OPT_OUTS)
        put(store, CONSENTS, number, town.consents(number), schemas.CONSENTS)
        put(store, SIGNALS, number, town.signals(number), schemas.SIGNALS)
    put(store, ALIASES, 5, town.aliases(), schemas.ALIASES)
    for version, policy in POLICIES.items():
        cut_release(store, choose_inputs(store, as_of=AS_OF), policy, version, ByHand())
    return store


@pytest.fixture(scope="module")
def explained(town: Store) -> dict[str, list[Explanation]]:
    items = [("flickr", str(10_000_000 + place)) for place in range(ROWS)]
    items += [("archive", f"a{10_000_000 + place}") for place in range(ARCHIVED)]
    return {"1": list(Explainer(town, town.releases.get("1")).explain(items))}


def test_it_agrees_with_what_was_decided_for_ten_thousand_items(
    explained: dict[str, list[Explanation]],
) -> None:
    (found,) = explained.values()
    assert len(found) == ROWS + ARCHIVED
    assert [(each.item, each.reasons, each.decided) for each in found if not each.agrees] == []
    shown = [each.reasons for each in found if each.item[0] == "archive"]
    assert 10 < sum("opt_out_owner" in reasons for reasons in shown) < ARCHIVED
    told = {reason for each in found for reason in each.reasons}
    assert told >= {f"opt_out_{kind}" for kind in reasons.OPT_OUTS}
    assert told >= {"consent_refused", "signal_no", "consent_missing", "missing", "license_withdrawn"}
    assert sum(not each.reasons for each in found) > 300


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_few_items_alone_say_the_same(town: Store, version: str) -> None:
    explainer = Explainer(town, town.releases.get(version))
    items = [("flickr", str(10_000_000 + place)) for place in random.Random(3).sample(range(ROWS), 100)]
    found = list(explainer.explain(items))
    assert [each.item for each in found if not each.agrees] == []
    (alone,) = explainer.explain(items[:1])
    assert alone in found


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = cli.run(["explain", *words, "--json"], {})
    return code, json.loads(capsys.readouterr().out or "null")


def test_an_item_is_found_by_all_that_names_it(town: Store, capsys: pytest.CaptureFixture[str]) -> None:
    item = "10000777"
    code, told = run(capsys, town.url, item, "--release", "1")
    assert code == 0
    assert [each["item_id"] for each in told["items"]] == [item]
    row = told["items"][0]["manifest"]
    for words in (row["page_url"], row["image_url"]):
        assert run(capsys, town.url, words, "--release", "1") == (0, told)
    assert run(capsys, town.url, "99", "--release", "1")[0] == 4


def test_an_owner_is_told_by_counts(town: Store, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, town.url, "1001@N00", "--release", "1")
    assert code == 0
    (owner,) = told["owners"]
    assert sum(owner["first_reason"].values()) == owner["items"] == told["items_found"]
    assert len(told["items"]) == 20
    asked = {(each["kind"], each["key"]) for each in owner["requests"]}
    assert ("name", "called 1") in asked or ("owner", "1001@N00") in asked or ("tag", "cat") in asked
    text = cli.run(["explain", town.url, "1001@N00", "--release", "1"], {})
    assert text == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("owner 1001@N00 of flickr: ")
    assert len(lines[lines.index("  items") + 1 :]) == 20 + (owner["items"] > 20)


def test_first_and_last_release_that_hold_an_item(
    town: Store, explained: dict[str, list[Explanation]], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = next(each for each in explained["1"] if not each.reasons and not each.verdicts["search"])
    told = run(capsys, town.url, kept.item[1], "--source", kept.item[0])[1]["items"][0]
    assert told["first_held_by"] == "1"


def test_a_release_that_decided_otherwise_is_found_out(
    town: Store,
    explained: dict[str, list[Explanation]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = town.releases.get("1")
    out = next(each.item for each in explained["1"] if each.reasons)
    # A release that left nothing out, and holds what it should not.
    wrong = replace(release, parts={name: {} for name in PARTS})
    monkeypatch.setattr(type(town.releases), "get", lambda self, version: wrong)
    code, told = run(capsys, town.url, out[1], "--source", out[0])
    assert code == 8
    assert told["items"][0]["agrees"] is False


def test_it_needs_neither_beam_nor_duckdb(town: Store) -> None:
    words = ["explain", town.url, "10000777", "--release", "1"]
    program = (
        "import sys; from pipelines.cli import run\n"
        f"code = run({words!r}, {{}})\n"
        "print({name for name in ('apache_beam', 'duckdb') if name in sys.modules}); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("set()\n")
    assert "held by" in done.stdout
