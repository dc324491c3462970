"""Answers of Flickr's API, from files to a license snapshot."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from byhand import ByHand
from support.answers import NOT_FOUND, SHARED, element, ok
from worlds import new_store, rows

from pipelines.catalog.queries import ask
from pipelines.ingest import ingest_licenses, ingest_manifest
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import Table
from transforms.domain import schemas
from transforms.domain.errors import InputError, StateError, TooManyQuarantined

NOON = 1_300_017_600  # 2011-03-13
PUBLIC_DOMAIN = ("Public Domain Mark", "https://creativecommons.org/publicdomain/mark/1.0/")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield new_store(tmp_path / "store")
    close_stores()


def ingest(store: Store, fmt: str, *files: Path, day: str = "2026-11-01", share: float = 0.01) -> Table:
    paths = [str(file) for file in files]
    return ingest_licenses(
        store, paths, fmt=fmt, observed_on=day, runner=ByHand(), max_quarantined_share=share
    )


def told(store: Store, table: Table) -> dict[tuple[str, str | None], str]:
    """The license of each item on each day; None is the snapshot's own."""
    found = rows(store, [*table.buckets.values(), *table.shards.values()], schemas.LICENSES)
    days = [day and day.isoformat() for day in found["observed_on"].to_pylist()]
    keys = list(zip(found["item_id"].to_pylist(), days, strict=True))
    assert len(keys) == len(set(keys))
    return dict(zip(keys, found["license"].to_pylist(), strict=True))


def history(second: int = NOON) -> str:
    new, url = PUBLIC_DOMAIN
    change = {"date_change": second, "old_license": "All Rights Reserved", "old_license_url": ""}
    return ok([element("license_history", {**change, "new_license": new, "new_license_url": url})])


HISTORY = {
    ("7", "2011-03-12"): "all-rights-reserved",
    ("7", "2011-03-13"): "CC-PDM-1.0",
    ("7", None): "CC-PDM-1.0",
}


def test_a_history_keeps_all_its_days(store: Store, tmp_path: Path) -> None:
    one, other = tmp_path / "license_history_7.xml", tmp_path / "license_history_8.xml"
    one.write_text(history())
    other.write_text(NOT_FOUND)
    table = ingest(store, "flickr-history", one, other)
    assert told(store, table) == {**HISTORY, ("8", None): "unknown"}
    assert table.counts == {"rows": 4, "rows_read": 4, "duplicates": 0, "quarantined": 0}
    assert table.dated


def test_license_as_of_answers_before_between_and_after_the_changes(store: Store, tmp_path: Path) -> None:
    item = dict.fromkeys(schemas.MANIFEST.names) | {"source": "flickr", "item_id": "7", "owner_id": "1@N00"}
    item |= {"license": "CC-BY-2.0", "media_type": "photo"}
    manifest, answer = tmp_path / "manifest.parquet", tmp_path / "7.xml"
    pq.write_table(pa.Table.from_pylist([item], schema=schemas.MANIFEST), manifest)
    answer.write_text(history())
    ingest_manifest(store, [str(manifest)], fmt="canonical", snapshot="a", runner=ByHand())
    ingest(store, "flickr-history", answer)

    def as_of(valid: str, known: str) -> list[str]:
        sql = f"SELECT license FROM license_as_of(DATE '{valid}', DATE '{known}')"
        return "\n".join(ask(store, sql, how="csv")).replace('"', "").split()[1:]

    now = "2026-11-01"
    assert as_of("2011-03-11", now) == []
    assert as_of("2011-03-12", now) == ["all-rights-reserved"]
    assert as_of("2011-03-13", now) == as_of("2020-01-01", now) == as_of(now, now) == ["CC-PDM-1.0"]
    assert as_of("2020-01-01", "2026-10-31") == []


def test_files_in_any_order_and_lines_of_one_file_are_one_snapshot(tmp_path: Path) -> None:
    answers = {"7": history(), "8": NOT_FOUND, "9": history(NOON + 86_400)}
    files = []
    for item, answer in answers.items():
        files.append(tmp_path / f"{item}.xml")
        files[-1].write_text(answer)
    lines = tmp_path / "all.jsonl"
    lines.write_text("".join(json.dumps({"id": item, "answer": a}) + "\n" for item, a in answers.items()))
    blobs = []
    for number, some in enumerate([files, files[::-1], [lines]]):
        table = ingest(new_store(tmp_path / f"store{number}"), "flickr-history", *some)
        blobs.append({place: blob.digest for place, blob in table.shards.items()})
    close_stores()
    assert blobs[0] == blobs[1] == blobs[2]


def test_a_change_on_the_snapshot_s_own_day_is_told_once(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "7.xml"
    file.write_text(history())
    table = ingest(store, "flickr-history", file, day="2011-03-13")
    assert told(store, table) == {
        ("7", "2011-03-12"): "all-rights-reserved",
        ("7", None): "CC-PDM-1.0",
    }
    assert table.counts["duplicates"] == 1


def test_a_change_after_the_snapshot_s_day_stops_the_ingest(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "7.xml"
    file.write_text(history())
    with pytest.raises(
        InputError, match=r"7.xml: holds rows observed on 2011-03-13, after the snapshot's day"
    ):
        ingest(store, "flickr-history", file, day="2011-03-12")


def test_the_same_answer_about_another_photo_is_another_snapshot(store: Store, tmp_path: Path) -> None:
    # "Photo not found" is the same bytes whatever photo it is about: only the file's name says it.
    one, other, copy = tmp_path / "7.xml", tmp_path / "8.xml", tmp_path / "copies" / "7.xml"
    copy.parent.mkdir()
    for file in (one, other, copy):
        file.write_text(NOT_FOUND)
    table = ingest(store, "flickr-info", one)
    assert told(store, table) == {("7", None): "unknown"}
    assert ingest(store, "flickr-info", copy).digest == table.digest
    with pytest.raises(StateError, match="exists and was made of other files"):
        ingest(store, "flickr-info", other)


def test_what_is_damaged_is_named(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "7.xml"
    file.write_text(history()[:-9])
    with pytest.raises(InputError) as error:
        ingest(store, "flickr-history", file)
    assert str(error.value).startswith(f"{file}: cannot be read as an answer of Flickr's: no XML (")
    assert "\n" not in str(error.value)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real inputs are not at {SHARED}")
def test_real_answers(store: Store) -> None:
    files = sorted((SHARED / "flickr-api").glob("license_history_*.xml"))
    with pytest.raises(TooManyQuarantined, match="3 of 12 rows .* item_id_unparsable 3"):
        ingest(store, "flickr-history", *files, day="2025-06-01")
    table = ingest(store, "flickr-history", *files, day="2025-06-01", share=0.5)
    assert (table.counts["rows"], table.counts["quarantined"]) == (9, 3)
    on = told(store, table)

    def as_of(item: str, day: str) -> str | None:
        """The license on a day, as far as this snapshot tells it."""
        days = [d for i, d in on if i == item and (d or "2025-06-01") <= day]
        newest = max(days, key=lambda d: d or "2025-06-01", default="")
        return on.get((item, newest))

    assert [as_of("54450311696", f"2025-04-{day}") for day in ("12", "13", "14", "16", "17", "30")] == [
        None,
        "all-rights-reserved",
        "CC-PDM-1.0",
        "CC-PDM-1.0",
        "no-known-copyright-restrictions",
        "no-known-copyright-restrictions",
    ]
    assert [as_of("3948976954", day) for day in ("2009-09-22", "2009-09-23", "2025-06-01")] == [
        None,
        "no-known-copyright-restrictions",
        "no-known-copyright-restrictions",
    ]
    assert datetime.date(2025, 5, 1).isoformat() == max(d for i, d in on if i == "54049228596" and d)

    ml5 = ingest(store, "ml5", *sorted((SHARED / "ml5").iterdir()), day="2025-06-02")
    assert ml5.counts["rows_read"] == 348 + 595
    assert (ml5.counts["quarantined"], ml5.dated) == (0, False)
    lists = [
        SHARED / "flickr-api" / f"{name}.json" for name in ("group-slovenia", "tag-sunset", "user-george")
    ]
    assert ingest(store, "flickr-photos", *lists, day="2025-06-03").counts["rows"] == 30
