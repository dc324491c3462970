"""Detections of people, as Parquet and as CSV: the same rows, and the same refusals."""

from __future__ import annotations

import csv
import datetime
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain import schemas
from transforms.domain.conformity import conform
from transforms.domain.errors import InputError
from transforms.formats import canonical, snapshot_csv

DAY = datetime.date(2026, 11, 1)
SETTINGS: dict[str, object] = {"source": "flickr", "observed_on": DAY.isoformat()}
TRUE_OR_FALSE = {"true": True, "1": True, "TRUE": True, "false": False, "0": False, "False": False}


def from_csv(text: str, **settings: object) -> tuple[list[dict[str, Any]], list[str]]:
    data = text.encode()
    found = {**SETTINGS, **settings, **snapshot_csv.DETECTIONS.variant(data, "here")}
    parsed = snapshot_csv.DETECTIONS.parse(data, offset_bytes=0, line=0, settings=found)
    conform(parsed.rows, schemas.DETECTIONS)
    return parsed.rows.to_pylist(), parsed.quarantined["reason"].to_pylist()


def from_parquet(rows: pa.Table) -> tuple[list[dict[str, Any]], list[str]]:
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    pieces = list(canonical.DETECTIONS.batches(sink, SETTINGS))
    rows = pa.concat_tables(piece.rows for piece in pieces)
    conform(rows, schemas.DETECTIONS)
    refused = pa.concat_tables(piece.quarantined for piece in pieces)
    return rows.to_pylist(), refused["reason"].to_pylist()


def detection(item: str, present: bool, **rest: Any) -> dict[str, Any]:
    stated = {"source": "flickr", "owner_id": None, "detector": None, "observed_on": DAY}
    return {
        **dict.fromkeys(schemas.DETECTIONS.names),
        **stated,
        "item_id": item,
        "person_present": present,
    } | rest


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "0", ""]),
            st.sampled_from([*TRUE_OR_FALSE, "", "maybe", "2", "yes"]),
            st.sampled_from(["", "yolo", "a, b"]),
        ),
        max_size=12,
    )
)
def test_a_file_need_not_say_more_than_the_item_and_what_was_seen(rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("item_id", "person_present", "detector"), *rows])
    expected, reasons = [], []
    for item, present, detector in rows:
        if item in ("", "0"):
            reasons.append("item_id_unparsable" if item else "item_id_missing")
        elif present not in TRUE_OR_FALSE:
            reasons.append("person_present_unparsable")
        else:
            expected.append(detection(item, TRUE_OR_FALSE[present], detector=detector or None))
    assert from_csv(text.getvalue()) == (expected, reasons)


def test_parquet_says_the_same() -> None:
    rows = [detection("1", True, owner_id="1@N00", detector="a"), detection("2", False)]
    assert from_parquet(pa.Table.from_pylist(rows, schema=schemas.DETECTIONS.remove_metadata())) == (rows, [])
    least = pa.table({"item_id": ["1", "2"], "person_present": [True, None]})
    assert from_parquet(least) == ([detection("1", True)], ["person_present_unparsable"])


def test_what_was_seen_has_to_be_said() -> None:
    with pytest.raises(InputError, match="column 'person_present' is missing"):
        from_csv("item_id,detector\n1,a\n")
    with pytest.raises(InputError, match="column 'person_presnt' is unknown. Did you mean 'person_present'"):
        from_csv("item_id,person_presnt\n1,true\n")
    with pytest.raises(InputError, match="column 'person_present' is string, not bool"):
        from_parquet(pa.table({"item_id": ["1"], "person_present": ["true"]}))
