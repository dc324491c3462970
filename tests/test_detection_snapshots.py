"""Detections are taken in as snapshots: by owner where the file knows it, by item where it does not."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from byhand import ByHand

from pipelines.ingest import ingest_detections
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
    rows = [
        [
            (row["item_id"], row["owner_id"], row["person_present"], str(row["observed_on"]))
            for blob in blobs.values()
            for row in store.blobs.get_table(blob, schema=schemas.DETECTIONS).to_pylist()
        ]
        for blobs in (table.buckets, table.shards)
    ]
    # Of one day the look that saw people stays, in whatever spelling of its owner.
    assert rows == [
        [("1", "1@N01", True, "None")],
        [("2", None, True, "2026-10-01"), ("2", None, False, "None")],
    ]
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
