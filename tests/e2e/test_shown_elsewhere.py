"""What is Flickr's is met in rows of other platforms, by their addresses, and nothing else of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from byhand import ByHand
from handmade import fill, item, left_out, opt_out, said, write
from worlds import cut, new_store

from pipelines.aliases import ingest_aliases
from pipelines.explain.explainer import Explainer
from pipelines.explain.lookup import look_up
from pipelines.ingest import ingest_manifest
from pipelines.leave_plans import PlanScan, PlanStanding, PlanWideTargets
from pipelines.optouts.weighing import weigh_targets
from pipelines.release_inputs import choose_inputs
from pipelines.stage_order import Place
from pipelines.steps import scan
from pipelines.store.store import Dataset, Store, close_stores, create_store
from pipelines.store.tables import MANIFESTS, OPT_OUTS, Table
from transforms.domain import schemas
from transforms.domain.errors import RefusedError
from transforms.intake import targets_of

Copy = Callable[[Store], Store]

ANN, CAT = "12345678@N00", "87654321@N07"
ADDRESSES = {  # of the photo 101, in a row of another platform
    "live": {"image_url": "https://live.staticflickr.com/65535/101_0a1b_b.jpg"},
    "user": {"image_url": "https://me@live.staticflickr.com/65535/101_0a1b_b.jpg"},
    "farm": {"image_url": "http://farm8.static.flickr.com/7001/101_0a1b_o.jpg?zz=1"},
    "page": {"page_url": f"//www.flickr.com/photos/{ANN.replace('@', '%40')}/101/in/photostream"},
    "named": {"page_url": "https://flickr.com/photos/Ann/101"},
    "short": {"page_url": "https://flic.kr/p/2K", "image_url": "https://cdn.example/101.jpg"},
}
OTHERS = {  # that have something like it
    "photo": {"image_url": "https://live.staticflickr.com/65535/1011_0a1b_b.jpg"},
    "site": {"page_url": "https://example.org/photos/ann/101/", "owner_id": "ann"},
    "101": {"page_url": "https://example.org/101"},
    "theirs": {"page_url": f"https://www.flickr.com/photos/{CAT}/7/", "owner_id": "x"},
}
ROWS = [{**item("crawl", name, None), **more} for name, more in (ADDRESSES | OTHERS).items()]
OWN = [item("flickr", "101", ANN), item("flickr", "102", ANN), item("flickr", "103", CAT)]

OF_101 = dict.fromkeys(ADDRESSES, "opt_out_item")
WAYS = {
    f"https://www.flickr.com/photos/{ANN}/101/": OF_101,
    "https://flic.kr/p/2K": OF_101,
    ANN: {"page": "opt_out_owner"},
    "https://www.flickr.com/photos/ann/": {"named": "opt_out_owner"},
    "https://www.flickr.com/photos/ann/102": {},
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    """By the platform of the dataset: a crawl of links, and Flickr's with rows of a crawl among its own."""
    stores = {}
    for source, mine in (("crawl", []), ("flickr", OWN)):
        folder = tmp_path_factory.mktemp(source)
        stores[source] = create_store(str(folder / "store"), Dataset("d", source, 2))
        fill(stores[source], folder, [*ROWS, *mine])
    yield stores
    close_stores()


@pytest.mark.parametrize("source", ["crawl", "flickr"])
@pytest.mark.parametrize("way", WAYS)
def test_a_row_is_met_by_what_its_addresses_are_of(
    filled: dict[str, Store], copy: Copy, tmp_path: Path, source: str, way: str
) -> None:
    store = copy(filled[source])
    opt_out(store, tmp_path, way)
    release = cut(store, "computer-vision")
    found = left_out(store, release)
    crawled = {name: reasons for (of, name), reasons in found.items() if of == "crawl"}
    expected = {name: [reason] for name, reason in WAYS[way].items()}
    if source == "crawl" and way == "https://www.flickr.com/photos/ann/":
        expected["site"] = ["opt_out_owner"]  # of whom the dataset calls so, too
    assert crawled == expected
    # Whoever asks why is told the same, and what a list would remove was told before.
    entries = store.blobs.get_table(store.tables.newest(OPT_OUTS).blobs["entries"], schema=schemas.OPT_OUTS)
    weights = weigh_targets(store, targets_of(entries)).weights
    if "alias" not in entries["kind"].to_pylist():  # which is weighed on all platforms
        assert (pc.sum(weights["items"]).as_py() or 0) == len(found)
    explainer = Explainer(store, release)
    explained = [*explainer.explain([("crawl", name) for name in (*ADDRESSES, *OTHERS)])]
    assert all(each.agrees for each in explained)
    assert {each.item[1] for each in explained if each.evidence.requests} == set(expected)


def refused(store: Store) -> str:
    with pytest.raises(RefusedError, match="the gate refuses to publish") as caught:
        cut(store, "computer-vision")
    assert store.releases.versions() == []
    return str(caught.value)


@pytest.mark.parametrize(
    ("way", "kind", "found"),
    [
        ("https://flic.kr/p/2K", "item", "flickrs-item"),
        (ANN, "owner", "flickrs-owner"),
        ("alias:ann", "alias", "alias"),
    ],
)
def test_without_one_kind_of_scan_the_gate_refuses(
    filled: dict[str, Store],
    copy: Copy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    kind: str,
    found: str,
) -> None:
    store = copy(filled["flickr"])
    opt_out(store, tmp_path, way)
    match = scan.match
    monkeypatch.setattr(
        scan, "match", lambda rows, asked: match(rows, asked.filter(pc.field("kind") != kind))
    )
    assert f"'{found}': " in refused(store)


def test_a_withdrawal_brings_the_rows_back(filled: dict[str, Store], copy: Copy, tmp_path: Path) -> None:
    store = copy(filled["flickr"])
    opt_out(store, tmp_path, "101", day="2026-11-11")
    assert len(left_out(store, cut(store, "computer-vision", "1"))) == len(ADDRESSES) + 1
    opt_out(store, tmp_path, "target,state", "101,withdrawn", day="2026-11-12", name="list.csv")
    assert left_out(store, cut(store, "computer-vision", "2")) == {}


def test_whom_a_name_means_is_met_by_the_id_and_a_yes_does_not_travel(
    filled: dict[str, Store], copy: Copy, tmp_path: Path
) -> None:
    store = copy(filled["flickr"])
    history = tmp_path / "aliases.csv"
    history.write_text(f"key,owner_id\nkitty,{CAT}\n")
    ingest_aliases(store, [str(history)], observed_on="2026-11-09")
    opt_out(store, tmp_path, "alias:kitty")
    said(store, tmp_path, "target,given_by,says,purposes", "101,owner,refuse,computer-vision")
    release = cut(store, "computer-vision")
    expected = {("flickr", "101"): ["consent_refused"]}
    expected |= {each: ["opt_out_owner"] for each in (("flickr", "103"), ("crawl", "theirs"))}
    assert left_out(store, release) == expected
    every = [*((row["source"], row["item_id"]) for row in ROWS), ("flickr", "101"), ("flickr", "103")]
    assert all(each.agrees for each in Explainer(store, release).explain(every))


def test_a_row_is_found_by_an_address_of_what_it_shows(
    filled: dict[str, Store], copy: Copy, tmp_path: Path
) -> None:
    store = copy(filled["crawl"])
    opt_out(store, tmp_path, "999")
    explainer = Explainer(store, cut(store, "computer-vision"))
    items, _ = look_up(store, explainer, "https://www.flickr.com/photos/ann/101", "crawl")
    assert {name for _, name in items} == set(ADDRESSES)


def scans(store: Store, manifest: Table) -> int:
    """How many scans a release plans besides those for tags that say no by themselves."""
    inputs = replace(choose_inputs(store, as_of=None), manifest=manifest)
    results: list[Any] = [[] for _ in Place]
    wide = PlanWideTargets(inputs)(results)
    standing = PlanStanding(inputs, 2, 1)(results)
    assert ["shown" in action.inputs for action in standing] == [manifest.foreign]
    assert not PlanScan(inputs)(results)[len(manifest.buckets) :]
    return len(wide)


def test_only_rows_of_others_are_looked_at(tmp_path: Path) -> None:
    """In a manifest of Flickr's alone an item that is opted out concerns its own bucket, as before."""
    store = new_store(tmp_path / "store", buckets=2)
    fill(store, tmp_path, OWN)
    opt_out(store, tmp_path, "101", ANN)
    mine = store.tables.get(MANIFESTS, "a")
    assert (mine.foreign, scans(store, mine)) == (False, 0)
    more = write(tmp_path, "more.parquet", ROWS[:1], schemas.MANIFEST)
    mixed = ingest_manifest(store, [more], fmt="canonical", snapshot="b", onto="a", runner=ByHand())
    assert (mixed.foreign, scans(store, mixed)) == (True, 1)
    again = write(tmp_path, "again.parquet", OWN[:1], schemas.MANIFEST)
    still = ingest_manifest(store, [again], fmt="canonical", snapshot="c", onto="b", runner=ByHand())
    assert still.foreign
    # A document of before does not tell.
    document = {name: value for name, value in mine.to_json().items() if name != "foreign"}
    assert Table.from_json(document, "a.json").foreign
    close_stores()
