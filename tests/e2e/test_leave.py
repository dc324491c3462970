"""Whoever said no is out, of what they said no to, by whatever name, wherever it is found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from byhand import ByHand
from handmade import fill, item, left_out, looks, opt_out, said, write
from worlds import new_store, policy, rows

from pipelines.aliases import ingest_aliases
from pipelines.explain.explainer import Explainer
from pipelines.ingest import ingest_detections, ingest_licenses, ingest_manifest
from pipelines.release import cut_release
from pipelines.release_inputs import choose_inputs
from pipelines.store.releases import Release
from pipelines.store.store import Dataset, Store, close_stores, create_store
from transforms.domain import schemas

ANN, BOB = "12345678@N00", "87654321@N07"
Row = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield new_store(tmp_path / "store", buckets=4)
    close_stores()


def cut_for(store: Store, purpose: str, version: str, as_of: str | None = None) -> Release:
    """A release for a purpose; the people-sensitive ones ask for a grant, all have one rule for licenses."""
    base = policy("face-detection")
    if not purpose.startswith("face-"):
        base = replace(base, people_present="keep", people_unknown="keep")
    inputs = choose_inputs(store, as_of=as_of, without_opt_outs=True)
    return cut_release(store, inputs, replace(base, purpose=purpose), version, ByHand())[0]


def kept(store: Store, release: Release) -> set[str]:
    return set(rows(store, release.parts["items"].values(), schemas.ITEMS)["item_id"].to_pylist())


def add(store: Store, folder: Path, name: str, *new: Row, onto: str | None = "a") -> None:
    """A later manifest, and a look at what is new in it."""
    file = write(folder, f"{name}.parquet", list(new), schemas.MANIFEST)
    ingest_manifest(
        store, [file], fmt="canonical", snapshot=name, onto=onto, received_on="2026-11-20", runner=ByHand()
    )
    file = write(folder, f"{name}-looks.parquet", looks(list(new)), schemas.LICENSES)
    ingest_licenses(store, [file], fmt="canonical", observed_on="2026-11-20", runner=ByHand())


def test_releases_are_nested_as_purposes_are(store: Store, tmp_path: Path) -> None:
    nobody = {"person_present": False}
    fill(
        store,
        tmp_path,
        [
            item("flickr", "1", ANN, **nobody),
            item("flickr", "2", ANN, **nobody, tags=["no_cv"]),
            *(item("flickr", str(number), BOB, **nobody) for number in (3, 4, 9)),
            *(item("flickr", str(number), ANN, person_present=True) for number in (5, 6, 10, 12)),
            *(item("flickr", str(number), ANN) for number in (8, 11)),
        ],
    )
    asked = {3: "face-detection", 4: "research-noncommercial", 9: "all"}
    lines = [f"{number},{purposes}" for number, purposes in asked.items()]
    opt_out(store, tmp_path, "target,purposes", *lines, name="list.csv")
    said(
        store,
        tmp_path,
        "item_id,given_by,says,purposes",
        "6,depicted,grant,face-detection face-recognition",
        "10,depicted,grant,face-detection",
        "12,owner,grant,face-detection",  # it is not the photographer's to give
    )
    seen = tmp_path / "seen.csv"
    seen.write_text("item_id,person_present\n8,false\n")
    ingest_detections(store, [str(seen)], fmt="csv", observed_on="2026-11-10", runner=ByHand())
    found = {
        purpose: kept(store, cut_for(store, purpose, str(version)))
        for version, purpose in enumerate(
            (
                "metadata-index",
                "research-noncommercial",
                "computer-vision",
                "face-detection",
                "face-recognition",
            )
        )
    }
    everything = {str(number) for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12)}
    assert found == {
        "metadata-index": everything - {"9"},
        "research-noncommercial": everything - {"9", "4"},
        "computer-vision": everything - {"9", "4", "2"},
        "face-detection": {"1", "6", "8", "10"},
        "face-recognition": {"1", "6", "8"},
    }


@pytest.mark.parametrize("onto", ["a", None], ids=["added to", "made anew"])
@pytest.mark.parametrize("line", ["alias:Ann", "name: ann  ONYMOUS"])
def test_who_renamed_stays_out(store: Store, tmp_path: Path, line: str, onto: str | None) -> None:
    """Her first name is only in the manifest of then."""
    then = item("flickr", "1", ANN, owner_name="Ann Onymous")
    fill(
        store,
        tmp_path,
        [{**then, "page_url": "https://www.flickr.com/photos/ann/1/"}, item("flickr", "9", BOB)],
    )
    opt_out(store, tmp_path, line)
    assert left_out(store, cut_for(store, "metadata-index", "1")) == {("flickr", "1"): ["opt_out_owner"]}
    now = item("flickr", "2", ANN, owner_name="Somebody")
    add(store, tmp_path, "b", {**now, "page_url": "https://www.flickr.com/photos/somebody/2/"}, onto=onto)
    found = left_out(store, cut_for(store, "metadata-index", "2"))
    assert found.get(("flickr", "2")) == ["opt_out_owner"]
    assert ("flickr", "9") not in found


def test_who_renamed_stays_out_where_it_is_known_who_is_who(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path, [item("flickr", "1", ANN), item("flickr", "9", BOB)])
    opt_out(store, tmp_path, "alias:ann")
    assert left_out(store, cut_for(store, "metadata-index", "1")) == {}
    history = tmp_path / "aliases.csv"
    history.write_text(f"key,owner_id\nann,{ANN}\n")
    ingest_aliases(store, [str(history)], observed_on="2026-11-12")
    assert left_out(store, cut_for(store, "metadata-index", "2")) == {("flickr", "1"): ["opt_out_owner"]}


def test_the_same_bytes_uploaded_again_stay_out(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path, [item("flickr", "1", ANN, content_md5="a" * 32)])
    opt_out(store, tmp_path, "a" * 32)
    add(store, tmp_path, "b", item("flickr", "2", BOB, content_md5="a" * 32), item("flickr", "3", BOB))
    release = cut_for(store, "metadata-index", "1")
    assert kept(store, release) == {"3"}
    assert left_out(store, release)["flickr", "2"] == ["opt_out_content"]


def test_who_opted_out_last_week_has_nothing_in_what_is_added_today(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path, [item("flickr", "1", ANN), item("flickr", "9", BOB)])
    opt_out(store, tmp_path, ANN)
    cut_for(store, "metadata-index", "1")
    add(store, tmp_path, "b", item("flickr", "2", ANN), item("flickr", "10", BOB))
    assert kept(store, cut_for(store, "metadata-index", "2")) == {"9", "10"}


@pytest.mark.parametrize(
    "line",
    [
        "https://www.flickr.com/photos/ann/1/in/pool",
        "http://live.staticflickr.com/1/1_ab_b.jpg",
        "https://www.flickr.com/people/ann/",
        "12345678@N00",
    ],
)
def test_flickrs_in_a_crawl_of_links_is_found_by_its_addresses(tmp_path: Path, line: str) -> None:
    store = create_store(str(tmp_path / "crawl"), Dataset("crawl", "laion", 4))
    links = {
        "page_url": "https://www.flickr.com/photos/ann/1/in/pool",
        "image_url": "https://live.staticflickr.com/1/1_ab_b.jpg",
    }
    hers = {**item("laion", "a1", "12345678@N00"), **links}
    fill(store, tmp_path, [hers, item("laion", "a2", "23456789@N00")])
    opt_out(store, tmp_path, line)
    assert kept(store, cut_for(store, "metadata-index", "1")) == {"a2"}


def parts(release: Release) -> dict[int, str]:
    """The digest of each part: of its bytes."""
    return {bucket: blob.digest for bucket, blob in release.parts["items"].items()}


@pytest.mark.parametrize("line", [ANN, "1", "alias:ann", "#cats"])
def test_what_is_withdrawn_brings_the_row_back_to_the_byte(store: Store, tmp_path: Path, line: str) -> None:
    mine = {**item("flickr", "1", ANN, tags=["cats"]), "page_url": "https://www.flickr.com/photos/ann/1/"}
    fill(store, tmp_path, [mine, item("flickr", "2", BOB)])
    before = cut_for(store, "metadata-index", "1")
    opt_out(store, tmp_path, line, day="2026-11-11")
    out = cut_for(store, "metadata-index", "2")
    assert kept(store, out) == {"2"}
    opt_out(store, tmp_path, "target,state", f"{line},withdrawn", day="2026-11-12", name="list.csv")
    again = cut_for(store, "metadata-index", "3")
    assert parts(again) == parts(before) != parts(out)
    assert parts(cut_for(store, "metadata-index", "4", as_of="2026-11-11")) == parts(out)


def test_a_grant_that_lapsed_takes_the_row_out_and_another_brings_it_back(
    store: Store, tmp_path: Path
) -> None:
    fill(store, tmp_path, [item("flickr", "1", ANN, person_present=True)])
    head = "item_id,given_by,says,purposes,expires_on"
    said(store, tmp_path, head, "1,depicted,grant,face-detection,2026-11-20")
    before = cut_for(store, "face-detection", "1", as_of="2026-11-19")
    assert kept(store, before) == {"1"}
    lapsed = cut_for(store, "face-detection", "2", as_of="2026-11-20")
    assert left_out(store, lapsed) == {("flickr", "1"): ["consent_missing"]}
    said(store, tmp_path, head, "1,depicted,grant,face-detection,", day="2026-11-21")
    assert parts(cut_for(store, "face-detection", "3")) == parts(before)


def test_of_an_item_and_all_of_its_owner_s_the_later_words_count(store: Store, tmp_path: Path) -> None:
    """Night by night, each release from the facts of the one before; and explained from the lists."""
    shown = {"person_present": True}
    fill(store, tmp_path, [item("flickr", name, ANN, **shown) for name in "123"] + [item("flickr", "4", BOB)])
    head, theirs = "target,given_by,says,purposes", replace(policy("face-detection"), grant="owner")
    nights = (
        ([f"{ANN},owner,grant,face-detection", f"{BOB},owner,grant,face-detection"], set("1234")),
        (["1,owner,revoke,face-detection", "2,owner,grant,face-detection"], set("234")),
        ([f"{ANN},owner,revoke,all"], set("4")),
        (["3,owner,grant,face-recognition face-detection"], set("34")),
        ([f"{ANN},owner,grant,face-detection", "3,owner,revoke,computer-vision"], set("124")),
    )
    for night, (lines, left) in enumerate(nights):
        said(store, tmp_path, head, *lines, day=f"2026-11-1{night}")
        inputs = choose_inputs(store, as_of=None, without_opt_outs=True)
        release = cut_release(store, inputs, theirs, str(night), ByHand())[0]
        assert kept(store, release) == left
        explained = list(Explainer(store, release).explain([("flickr", name) for name in "1234"]))
        assert [each.item[1] for each in explained if not each.reasons] == sorted(left)
        assert all(each.agrees for each in explained)


def test_what_begins_on_a_day_counts_from_that_day(store: Store, tmp_path: Path) -> None:
    """Without another list: nothing that is taken in says that the day has come."""
    fill(store, tmp_path, [item("flickr", "1", ANN)])
    opt_out(store, tmp_path, "target,effective_on,expires_on", "1,2026-11-15,2026-11-18", name="list.csv")
    inputs = {day: choose_inputs(store, as_of=None, today=f"2026-11-{day}") for day in (14, 15, 17, 18, 19)}
    assert [each.as_of[-2:] for each in inputs.values()] == ["10", "15", "15", "18", "18"]
    out = {
        day: left_out(store, cut_release(store, each, policy("metadata-index"), str(day), ByHand())[0])
        for day, each in inputs.items()
    }
    assert [day for day, found in out.items() if found] == [15, 17]
