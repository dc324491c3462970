"""Every way in which people name what is theirs reaches it, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byhand import ByHand
from handmade import fill, item, left_out, opt_out, write
from worlds import cut, new_store, rows

from pipelines.ingest import ingest_manifest
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import MANIFESTS
from transforms.domain import schemas

A, B = "12345678@N00", "87654321@N07"


ITEMS = [
    item("flickr", "101", A, image_url="http://farm8.staticflickr.com/7001/101_abcdef_b.jpg"),
    item("flickr", "102", A, tags=["sunset", "at home"]),
    item("flickr", "103", A, tags=["wedding"], content_md5="0" * 31 + "a"),
    item("flickr", "201", B, tags=["Wedding", "sunset"]),
    item("flickr", "202", B, tags=["No-CV"]),  # says no by itself, whatever the lists say
    item("flickr", "301", None),
    item("flickr", "302", None, page_url="https://www.flickr.com/photos/somebody/302/"),
    item("museum", "101", A, page_url="https://museum.example/Photo/1?size=L"),
    item("museum", "7", "keeper", owner_name="The  Keeper", page_url="https://museum.example/photo/7"),
    item("museum", "8", None, image_url="https://cdn.museum.example/8.jpg"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield new_store(tmp_path / "store")
    close_stores()


OF_A = {("flickr", "101"), ("flickr", "102"), ("flickr", "103")}
FLICKR_101 = {("flickr", "101")}
WAYS = {
    # The item
    "101": ("opt_out_item", FLICKR_101),
    f"https://www.flickr.com/photos/{A}/101/": ("opt_out_item", FLICKR_101),
    "www.flickr.com/photos/12345678%40N00/101/in/photostream": ("opt_out_item", FLICKR_101),
    # Whose page it is said to be does not matter: it is the photo that is named.
    "https://flickr.com/photos/somebody/101": ("opt_out_item", FLICKR_101),
    "https://live.staticflickr.com/65535/101_0123456789_b.jpg": ("opt_out_item", FLICKR_101),
    "http://farm8.static.flickr.com/7001/101_abcdef_o.jpg": ("opt_out_item", FLICKR_101),
    "https://flic.kr/p/2K": ("opt_out_item", FLICKR_101),
    "301": ("opt_out_item", {("flickr", "301")}),
    "https://www.flickr.com/photos/somebody/302/": ("opt_out_item", {("flickr", "302")}),
    # The owner
    A: ("opt_out_owner", OF_A),
    "12345678%40n00": ("opt_out_owner", OF_A),
    f"https://www.flickr.com/photos/{A}/": ("opt_out_owner", OF_A),
    f"http://www.flickr.com/people/{A}": ("opt_out_owner", OF_A),
    # What it is about
    "#wedding": ("opt_out_tag", {("flickr", "103"), ("flickr", "201")}),
    "tag:WEDDING": ("opt_out_tag", {("flickr", "103"), ("flickr", "201")}),
    "#At-Home": ("opt_out_tag", {("flickr", "102")}),
    # A page or an image elsewhere
    "https://museum.example/photo/7": ("opt_out_url", {("museum", "7")}),
    "http://Museum.Example/photo/7/#top": ("opt_out_url", {("museum", "7")}),
    "https://museum.example/Photo/1?size=L": ("opt_out_url", {("museum", "101")}),
    "https://cdn.museum.example/8.jpg": ("opt_out_url", {("museum", "8")}),
    "host:museum.example": ("opt_out_host", {("museum", "101"), ("museum", "7"), ("museum", "8")}),
    "https://CDN.museum.example:443/": ("opt_out_host", {("museum", "8")}),
    # The bytes
    "0000000000000000000000000000000A": ("opt_out_content", {("flickr", "103")}),
    # Whom an address names, though the item has no owner here
    "https://www.flickr.com/people/Somebody/": ("opt_out_owner", {("flickr", "302")}),
    # Nobody and nothing that is here
    "name:the keeper": ("", set()),  # of the other platform
    "host:useum.example": ("", set()),
    "sha256:" + "0" * 64: ("", set()),
    "999": ("", set()),
    "99999999@N00": ("", set()),
    "#funeral": ("", set()),
    "https://museum.example/photo/1": ("", set()),
}
BY_ITSELF = {("flickr", "202"): ["opt_out_tag"]}


@pytest.mark.parametrize("way", WAYS)
def test_it_reaches_what_it_names_and_nothing_else(store: Store, tmp_path: Path, way: str) -> None:
    fill(store, tmp_path, ITEMS)
    opt_out(store, tmp_path, way)
    reason, named = WAYS[way]
    assert left_out(store, cut(store, "computer-vision")) == {each: [reason] for each in named} | BY_ITSELF


def test_all_of_them_at_once(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path, ITEMS)
    opt_out(store, tmp_path, *WAYS)
    release = cut(store, "computer-vision")
    expected: dict[tuple[str, str], set[str]] = {("flickr", "202"): {"opt_out_tag"}}
    for reason, named in WAYS.values():
        for each in named:
            expected.setdefault(each, set()).add(reason)
    found = left_out(store, release)
    assert {each: set(reasons) for each, reasons in found.items()} == expected
    excluded = rows(store, release.parts["excluded"].values(), schemas.EXCLUDED).to_pylist()
    for row in excluded:
        assert row["first_reason"] == found[row["source"], row["item_id"]][0]


# --- Items whose files disagree about the owner -------------------------------------------------------

MINE = item("flickr", "500", A, title="said to be A's")
YOURS = item("flickr", "500", B, title="said to be B's")
NOBODYS = item("flickr", "500", None, title="said to be nobody's")


@pytest.mark.parametrize(
    "parts",
    [*itertools.permutations([[MINE], [YOURS]]), *itertools.permutations([[MINE], [YOURS], [NOBODYS]])],
    ids=lambda parts: " then ".join(part[0]["title"].split()[-1] for part in parts),
)
def test_an_item_that_two_owners_are_said_to_have_lives_once(
    store: Store, tmp_path: Path, parts: list[list[dict[str, Any]]]
) -> None:
    fill(store, tmp_path, *parts)
    table = store.tables.get(MANIFESTS, "a")
    (row,) = rows(store, table.buckets.values(), schemas.MANIFEST).to_pylist()
    assert (table.counts["rows"], table.counts["duplicates"]) == (1, len(parts) - 1)
    # An owner goes before none. Which of two owners it is follows from their hashes: any order, the same.
    assert row["owner_id"] == A
    assert row["title"] == MINE["title"]


@pytest.mark.parametrize(
    "parts",
    [*itertools.permutations([MINE, YOURS, NOBODYS])],
    ids=lambda parts: " then ".join(part["title"].split()[-1] for part in parts),
)
def test_it_lives_in_the_same_place_however_it_was_added(
    store: Store, tmp_path: Path, parts: tuple[dict[str, Any], ...]
) -> None:
    onto = None
    for number, part in enumerate(parts):
        file = write(tmp_path, f"{number}.parquet", [part], schemas.MANIFEST)
        snapshot = f"s{number}"
        table = ingest_manifest(store, [file], fmt="canonical", snapshot=snapshot, onto=onto, runner=ByHand())
        onto = snapshot
    (row,) = rows(store, table.buckets.values(), schemas.MANIFEST).to_pylist()
    assert row["title"] == MINE["title"]
    assert (table.counts["rows"], table.counts["duplicates"]) == (1, len(parts) - 1)


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        (A, ["opt_out_owner"]),
        # B's word about all that is theirs does not reach what is filed under A; about this photo it does.
        (B, []),
        ("500", ["opt_out_item"]),
        (f"https://www.flickr.com/photos/{B}/500/", ["opt_out_item"]),
        (f"https://www.flickr.com/photos/{A}/500/", ["opt_out_item"]),
    ],
)
def test_who_can_opt_it_out(store: Store, tmp_path: Path, said: str, reasons: list[str]) -> None:
    fill(store, tmp_path, [YOURS], [MINE])
    opt_out(store, tmp_path, said)
    assert left_out(store, cut(store, "computer-vision")).get(("flickr", "500"), []) == reasons


def test_an_item_that_moves_to_another_owner_is_still_reached_by_its_id(store: Store, tmp_path: Path) -> None:
    """The second snapshot knows the owner; the list came in before it did."""
    fill(store, tmp_path, [item("flickr", "500", None), *ITEMS])
    opt_out(store, tmp_path, "500")
    assert left_out(store, cut(store, "computer-vision", version="1"))["flickr", "500"] == ["opt_out_item"]
    more = write(tmp_path, "more.parquet", [MINE], schemas.MANIFEST)
    table = ingest_manifest(store, [more], fmt="canonical", snapshot="b", onto="a", runner=ByHand())
    assert table.counts["rows"] == len(ITEMS) + 1
    after = cut(store, "computer-vision", version="2")
    assert "opt_out_item" in left_out(store, after)["flickr", "500"]
    assert after.content["counts"]["rows"] == len(ITEMS) + 1
