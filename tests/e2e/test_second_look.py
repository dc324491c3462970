"""What a second reader found once: opt-outs that passed someone by, and rows that nobody counted."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from byhand import ByHand

from pipelines import release
from pipelines.ingest import ingest_licenses, ingest_manifest, ingest_opt_outs
from pipelines.release_inputs import choose_inputs
from pipelines.store.store import Dataset, Store, create_store
from transforms.domain import schemas
from transforms.domain.errors import StateError
from transforms.domain.policy import Policy

LAX = Policy("computer-vision", ("CC-BY-2.0",), "newest", "keep", "keep", "keep", "keep", "keep")


def store_of(folder: Path, source: str = "flickr") -> Store:
    return create_store(str(folder / "store"), Dataset("d", source, 4))


def row(item: str, owner: str | None, **more: object) -> dict[str, object]:
    plain = {"source": "flickr", "license": "CC-BY-2.0", "media_type": "photo", "title": "t"}
    return {**plain, "item_id": item, "owner_id": owner, **more}


def ingest(
    store: Store, folder: Path, rows: list[dict[str, object]], name: str, onto: str | None = None
) -> None:
    file = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schemas.MANIFEST), file)
    ingest_manifest(store, [str(file)], fmt="canonical", snapshot=name, onto=onto, runner=ByHand())


def kept(store: Store, folder: Path, *said: str) -> list[str]:
    """The items of a release with these opt-outs, published."""
    file = folder / "list.txt"
    file.write_text("\n".join(said) + "\n")
    ingest_opt_outs(store, [str(file)], received_on="2026-01-01", runner=ByHand())
    inputs = choose_inputs(store, as_of=None)
    cut, _ = release.cut_release(store, inputs, LAX, "1", ByHand())
    blobs = cut.parts["items"].values()
    return sorted(each for blob in blobs for each in store.blobs.get_table(blob)["item_id"].to_pylist())


@pytest.mark.parametrize("spelled", ["33@n00", "33%40N00", " 33@N00", "33@N00"])
def test_an_owner_is_one_however_a_manifest_spells_it(tmp_path: Path, spelled: str) -> None:
    store = store_of(tmp_path)
    ingest(store, tmp_path, [row("1", spelled), row("2", "34@N00")], "a")
    assert kept(store, tmp_path, "33@N00") == ["2"]


def test_a_no_on_any_of_an_item_s_rows_stays(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    ingest(store, tmp_path, [row("1", "33@N00", title="a", tags=["x"]), row("2", "33@N00")], "a")
    ingest(store, tmp_path, [row("1", "33@N00", title="b", tags=["x", "No-CV"])], "b", onto="a")
    assert kept(store, tmp_path, "99@N00") == ["2"]


def test_a_machine_tag_says_no_too(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    rows = [
        row("1", None, machine_tags=["noai:all=1"]),
        row("2", None, machine_tags=["nocv"]),
        row("3", None),
    ]
    ingest(store, tmp_path, rows, "a")
    assert kept(store, tmp_path, "#noai:all=1") == ["3"]


def test_letters_that_unicode_writes_in_two_ways_are_one(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    ingest(store, tmp_path, [row("1", None, tags=["man\u0303ana"]), row("2", None)], "a")
    assert kept(store, tmp_path, "#ma\u00f1ana") == ["2"]


def test_a_creator_who_is_a_page_can_opt_out_as_one(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    bob = "commons.wikimedia.org/wiki/User:Bob"
    ingest(store, tmp_path, [row("1", bob, source="wikimedia"), row("2", None, source="wikimedia")], "a")
    assert kept(store, tmp_path, f"https://{bob}") == ["2"]


def test_a_flickr_url_means_a_flickr_item_whatever_the_dataset_s_ids_are(tmp_path: Path) -> None:
    store = store_of(tmp_path, "wikimedia")
    ingest(store, tmp_path, [row("123", None), row("123", None, source="wikimedia"), row("5", "7@N00")], "a")
    assert kept(store, tmp_path, "https://www.flickr.com/photos/x/123/", "7@N00") == ["123"]


def test_a_port_that_goes_without_saying_does_not_hide_a_page(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    pages = [row("1", None, page_url="https://x.org:443/p/B"), row("2", None, page_url="https://x.org/p/C")]
    ingest(store, tmp_path, pages, "a")
    assert kept(store, tmp_path, "https://x.org/p/B", "http://x.org:80/p/C") == []


def test_files_of_the_same_bytes_are_both_counted(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for file in files:
        pq.write_table(pa.Table.from_pylist([row("1", None), row("2", None)], schema=schemas.MANIFEST), file)
    table = ingest_manifest(
        store, [str(file) for file in files], fmt="canonical", snapshot="a", runner=ByHand()
    )
    assert {**table.counts} == {"rows_read": 4, "rows": 2, "duplicates": 2, "quarantined": 0}
    assert [split["file"] for split in table.splits] == [str(file) for file in files]


def test_what_a_killed_run_left_is_dropped_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(tmp_path)
    with monkeypatch.context() as patch:
        # killed before it came to this
        patch.setattr("pipelines.ingest_tables.drop_carried", lambda *_: None)
        ingest(store, tmp_path, [row("1", None)], "a")
    assert list(Path(store.url).glob("blobs/**/*.routed"))
    ingest(store, tmp_path, [row("1", None)], "a")
    assert not list(Path(store.url).glob("blobs/**/*.routed"))


def test_a_snapshot_of_another_day_is_another_snapshot(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    file = tmp_path / "look.csv"
    file.write_text("item_id,owner_id,license,visibility\n1,,CC-BY-2.0,public\n")
    for day in ("2025-01-01", "2025-01-01"):
        ingest_licenses(store, [str(file)], fmt="csv", observed_on=day, snapshot="look", runner=ByHand())
    with pytest.raises(StateError, match="2025-01-01"):
        ingest_licenses(
            store, [str(file)], fmt="csv", observed_on="2026-01-01", snapshot="look", runner=ByHand()
        )
    assert store.tables.get("licenses", "look").date == datetime.date(2025, 1, 1).isoformat()


def test_a_snapshot_that_another_one_adds_to_is_not_the_newest(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    ingest(store, tmp_path, [row("1", None)], "base")
    ingest(store, tmp_path, [row("2", None)], "added", onto="base")
    assert kept(store, tmp_path, "99@N00") == ["1", "2"]
