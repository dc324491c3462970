"""Weighing a store: the same numbers however its buckets are divided, and nothing is counted twice over."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from byhand import ByHand, listing

from pipelines.ingest import ingest_manifest
from pipelines.optouts.weighing import weigh_targets
from pipelines.store.store import Dataset, Store, close_stores, create_store
from transforms.domain import schemas, subbuckets
from transforms.weigh import TARGETS, WEIGHTS

OWNERS = [f"{number}@N00" for number in range(6)]
TARGET_ROWS = [
    ("item", "crawl", "3"),
    ("item", "elsewhere", "3"),
    ("item", "flickr", "3"),
    ("item", "flickr", "15"),
    ("item", "flickr", "999"),
    *(("owner", "flickr", owner) for owner in [*OWNERS, "9@N09"]),
    ("tag", None, "cat"),
    ("tag", None, "nothing"),
    ("url", None, "site.example/3"),
    ("host", None, "site.example"),
    ("content", None, "md5:" + "a" * 32),
    ("name", None, "ann"),
    ("alias", None, "annie"),
]
WANTED = pa.table([pa.array(each, pa.string()) for each in zip(*TARGET_ROWS, strict=True)], schema=TARGETS)


# What rows of another platform show of Flickr's: the photo, whose id is in it.
SHOWN = [
    "https://live.staticflickr.com/65535/{}_0a_b.jpg",
    "http://flickr.com/photos/Annie/{}/in/pool",
    "https://www.flickr.com/photos/1%40N00/{}",
]


def items() -> list[dict[str, Any]]:
    choose = random.Random(5)
    links = [
        {
            "source": "crawl",
            "item_id": str(number),
            "owner_id": choose.choice(["x", "y", None]),
            "license": "unknown",
            "media_type": "photo",
            "page_url": choose.choice(SHOWN).format(number % 5),
            "image_url": choose.choice([SHOWN[0].format(number % 7), f"https://site.example/{number}"]),
            "tags": [],
        }
        for number in range(1, 25)
    ]
    return links + [
        {
            "source": "flickr",
            "item_id": str(number),
            "owner_id": choose.choice([*OWNERS, OWNERS[0], None]),
            "owner_name": choose.choice(["Ann", "Bob"]),
            "license": "CC-BY-2.0",
            "media_type": "photo",
            "page_url": choose.choice(
                ["https://www.flickr.com/photos/Annie/9/", f"https://img.site.example/{number}"]
            ),
            "image_url": f"https://site.example/{number}" if number % 3 == 0 else None,
            "tags": choose.choice([["Cat"], ["dog", "c-a-t"], []]),
            "content_md5": "a" * 32 if number % 5 == 0 else None,
        }
        for number in range(1, 61)
    ]


@pytest.fixture(params=[subbuckets.LIMIT_ROWS, 4], ids=["whole", "divided"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(subbuckets, "LIMIT_ROWS", request.param)
    store = create_store(str(tmp_path / "store"), Dataset("d", "flickr", 2))
    pq.write_table(pa.Table.from_pylist(items(), schema=schemas.MANIFEST), tmp_path / "items.parquet")
    table = ingest_manifest(
        store, [str(tmp_path / "items.parquet")], fmt="canonical", snapshot="a", runner=ByHand()
    )
    assert any(subbuckets.is_divided(key, 2) for key in table.buckets) == (request.param == 4)
    yield store
    close_stores()


def shows(row: dict[str, Any], kind: str, key: str) -> bool:
    """Whether a row of another platform shows what is Flickr's."""
    page, urls = row["page_url"], (row["page_url"], row["image_url"])
    return row["source"] != "flickr" and {
        "item": any(url == each.format(key) for url in urls for each in SHOWN),
        "owner": page.startswith(f"https://www.flickr.com/photos/{key.replace('@', '%40')}/"),
        "alias": f"/photos/{key}/" in page.lower(),
    }.get(kind, False)


def meets(row: dict[str, Any], kind: str, source: str | None, key: str) -> bool:
    if kind in ("item", "owner") and row["source"] != source:
        return source == "flickr" and shows(row, kind, key)
    urls = [url.split("//", 1)[1].rstrip("/") for url in (row["page_url"], row["image_url"]) if url]
    return {
        "item": row["item_id"] == key,
        "owner": row["owner_id"] == key,
        "tag": key in [tag.lower().replace("-", "") for tag in row["tags"]],
        "url": key in urls,
        "host": any(f".{url.split('/')[0]}".endswith(f".{key}") for url in urls),
        "content": f"md5:{row.get('content_md5')}" == key,
        "name": row.get("owner_name", "").lower() == key,
        "alias": any(f"flickr.com/photos/{key}/" in url.lower() for url in urls),
    }[kind]


def test_it_is_what_a_look_at_each_row_says(store: Store) -> None:
    expected = {}
    for kind, source, key in TARGET_ROWS:
        hit = [row for row in items() if meets(row, kind, source, key)]
        if kind in ("name", "alias"):  # the owner, with all that is theirs
            whose = {row["owner_id"] for row in hit} - {None}
            hit = [row for row in items() if row["owner_id"] in whose or (row in hit and not row["owner_id"])]
        if hit:
            owners = {row["owner_id"] for row in hit} - {None}
            expected[kind, source, key] = (len(hit), len(owners))
    found = weigh_targets(store, WANTED)
    assert (found.manifest, found.items, found.weights.schema) == ("a", 84, WEIGHTS)
    rows = found.weights.to_pylist()
    weighed = {(each["kind"], each["source"], each["key"]): (each["items"], each["owners"]) for each in rows}
    assert weighed == expected
    md5 = {each["key"]: each["content_md5"] for each in rows if each["kind"] == "item"}
    assert md5 == {"3": None, "15": "a" * 32}


def test_it_is_remembered(store: Store) -> None:
    found = weigh_targets(store, WANTED)
    before = listing(Path(store.url))
    assert weigh_targets(store, WANTED).weights.equals(found.weights)
    assert listing(Path(store.url)) == before


def test_without_a_manifest_nothing_is_known(tmp_path: Path) -> None:
    store = create_store(str(tmp_path / "store"), Dataset("d", "flickr", 2))
    assert weigh_targets(store, WANTED).items == 0
    close_stores()
