"""Detections are taken in as snapshots, by item: who owns it, and what the file calls them, is not asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from byhand import ByHand

from pipelines.explain.explainer import Explainer
from pipelines.ingest import ingest_detections, ingest_manifest
from pipelines.policies import find_policy
from pipelines.release import cut_release
from pipelines.release_inputs import choose_inputs
from pipelines.store.store import Dataset, Store, create_store
from pipelines.store.tables import DETECTIONS, Table
from transforms.domain import schemas
from transforms.domain.errors import ConfigError, InputError, StateError

LINES = """item_id,owner_id,person_present,detector,observed_on
1,1@N01,false,a,
1,1@n01,true,b,
2,,false,a,
2,,true,a,2026-10-01
3,3@N01,perhaps,a,
"""


def new_store(folder: Path) -> Store:
    return create_store(str(folder), Dataset("seen", "flickr", 16))


def write(folder: Path, text: str = LINES) -> str:
    file = folder / "seen.csv"
    file.write_text(text)
    return str(file)


def test_a_snapshot_of_detections(tmp_path: Path) -> None:
    store, file = new_store(tmp_path / "store"), write(tmp_path)

    def take_in(share: float = 0.5) -> Table:
        return ingest_detections(
            store, [file], fmt="csv", observed_on="2026-11-01", runner=ByHand(), max_quarantined_share=share
        )

    with pytest.raises(InputError, match="person_present_unparsable 1"):
        take_in(0.01)
    table = take_in()
    assert (table.kind, table.name, table.date, table.dated) == (DETECTIONS, "2026-11-01", "2026-11-01", True)
    assert table.counts == {"rows_read": 5, "rows": 3, "duplicates": 1, "quarantined": 1}
    rows = {
        (row["item_id"], row["owner_id"], row["person_present"], str(row["observed_on"]))
        for blob in table.shards.values()
        for row in store.blobs.get_table(blob, schema=schemas.DETECTIONS).to_pylist()
    }
    # Of one day the look that saw people stays, in whatever spelling of its owner.
    assert rows == {
        ("1", "1@N01", True, "None"),
        ("2", None, True, "2026-10-01"),
        ("2", None, False, "None"),
    }
    assert not table.buckets
    assert take_in() == table == store.tables.get(DETECTIONS, "2026-11-01")
    write(tmp_path, LINES.replace("true", "false"))
    with pytest.raises(StateError, match="was made of other files"):
        take_in()


def test_no_snapshot_is_known_before_what_it_saw(tmp_path: Path) -> None:
    store, file = new_store(tmp_path / "store"), write(tmp_path)
    days = {"observed_on": "2026-11-02", "received_on": "2026-11-01"}
    with pytest.raises(ConfigError, match="received on 2026-11-01, before the day 2026-11-02"):
        ingest_detections(store, [file], fmt="csv", runner=ByHand(), **days)
    manifest = tmp_path / "items.parquet"
    pq.write_table(schemas.MANIFEST.empty_table(), manifest)
    with pytest.raises(InputError, match="column 'person_present'|unknown|is missing"):
        ingest_detections(store, [str(manifest)], fmt="canonical", observed_on="2026-11-01", runner=ByHand())


CALLED = ("somebody", "11111111@n00", "http://www.flickr.com/photos/somebody", "99999999@N99", "")


def test_whatever_a_detection_calls_the_owner_it_is_one_of_the_item(tmp_path: Path) -> None:
    """An alias, an old id or another spelling leads to another bucket: nobody would be met there."""
    store = new_store(tmp_path / "store")
    items = [
        {"source": "flickr", "item_id": item, "owner_id": "11111111@N00", "license": "CC-BY-2.0"}
        | {"media_type": "photo", "person_present": False}
        for item in map(str, range(1, len(CALLED) + 2))
    ]
    pq.write_table(pa.Table.from_pylist(items, schema=schemas.MANIFEST), tmp_path / "items.parquet")
    file = str(tmp_path / "items.parquet")
    ingest_manifest(store, [file], fmt="canonical", snapshot="a", runner=ByHand())
    lines = "".join(f"{item},{owner},true\n" for item, owner in enumerate(CALLED, 1))
    file = write(tmp_path, f"item_id,owner_id,person_present\n{lines}")
    table = ingest_detections(store, [file], fmt="csv", observed_on="2026-11-04", runner=ByHand())
    policy = replace(find_policy("computer-vision"), people_present="exclude", unknown_visibility="keep")
    inputs = choose_inputs(store, as_of=None, without_opt_outs=True)
    release, _ = cut_release(store, inputs, policy, "1", ByHand())
    assert release.content["counts"]["first_reason"] == {"people_present": len(CALLED)}
    # What was taken in by owner, as byleave did before, would be looked for by nobody.
    with pytest.raises(StateError, match="detections/2026-11-04.json: .* take the files in again"):
        replace(inputs, detections=(replace(table, buckets=table.shards, shards={}),))


def test_a_late_snapshot_counts_by_the_day_of_each_look(tmp_path: Path) -> None:
    """A row of the day on which the snapshot came in is newer than one of the day of which it speaks."""
    store = new_store(tmp_path / "store")
    items = [
        {"source": "flickr", "item_id": item, "license": "CC-BY-2.0", "media_type": "photo"}
        for item in ("1", "2")
    ]
    pq.write_table(pa.Table.from_pylist(items, schema=schemas.MANIFEST), tmp_path / "items.parquet")
    file = str(tmp_path / "items.parquet")
    ingest_manifest(store, [file], fmt="canonical", snapshot="a", runner=ByHand())
    before = write(tmp_path, "item_id,person_present,observed_on\n1,false,2026-11-03\n2,true,2026-11-03\n")
    ingest_detections(store, [before], fmt="csv", observed_on="2026-11-04", runner=ByHand())
    late = write(tmp_path, "item_id,person_present,observed_on\n1,true,2026-11-05\n2,false,\n")
    days = {"observed_on": "2026-11-02", "received_on": "2026-11-05"}
    ingest_detections(store, [late], fmt="csv", runner=ByHand(), **days)
    policy = find_policy("computer-vision")
    policy = replace(policy, people_present="exclude", unknown_visibility="keep")
    inputs = choose_inputs(store, as_of=None, without_opt_outs=True)
    release, _ = cut_release(store, inputs, policy, "1", ByHand())
    assert release.content["counts"]["first_reason"] == {"people_present": 2}
    explained = list(Explainer(store, release).explain([("flickr", "1"), ("flickr", "2")]))
    assert [each.reasons for each in explained] == [["people_present"]] * 2
    assert all(each.agrees for each in explained)
