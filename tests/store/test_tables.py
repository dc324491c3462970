from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from anyplace import files, overwrite
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.store.blobs import Blob
from pipelines.store.store import Store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS, Table, check_name, natural
from transforms.domain.errors import ConfigError, IntegrityError, StateError


def blob(text: str) -> Blob:
    return Blob(text * 8, ".parquet", 3, 100)


TABLE = Table(
    OPT_OUTS,
    "2026-11-10-abc",
    date="2026-11-10",
    buckets={3: blob("a"), 1: blob("b")},
    shards={2: blob("c"), 7: blob("d")},
    blobs={"entries": blob("f")},
    counts={"rows": 6, "rows_read": 7, "duplicates": 1, "quarantined": 0},
    files=({"name": "list.csv", "bytes": 4, "sha256": "ff", "format": "opt-outs"},),
    splits=({"file": "list.csv", "offset_bytes": 0, "quarantine": None},),
    onto="2026-10-10-abc",
    unparsable={"taken_at": 2},
    turns=("2026-12-01", "2027-01-01"),
)


def document(store: Store, table: Table) -> str:
    return f"{store.dataset.path}/{table.path}"


def test_a_table_is_its_document(store: Store) -> None:
    assert store.tables.find(TABLE.kind, TABLE.name) is None
    store.tables.commit(TABLE)
    assert store.tables.get(TABLE.kind, TABLE.name) == TABLE
    assert store.tables.names(OPT_OUTS) == [TABLE.name]
    assert store.tables.names(MANIFESTS) == []


@pytest.mark.parametrize(
    "change",
    [
        {"buckets": {1: blob("b"), 3: blob("a")}},
        {"shards": dict(reversed([*TABLE.shards.items()]))},
        {"name": "other"},
        {"files": ()},
        {"splits": ()},
        {"counts": {}},
        {"onto": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_digest_is_of_the_rows_and_not_of_how_they_came(change: dict[str, Any]) -> None:
    assert replace(TABLE, **change).digest == TABLE.digest


@pytest.mark.parametrize(
    "change",
    [
        {"kind": LICENSES},
        {"date": "2026-11-11"},
        {"buckets": {1: blob("a"), 3: blob("b")}},
        {"buckets": {1: blob("b")}},
        {"shards": {}},
        {"blobs": {"entries": blob("e")}},
        {"observed_on": "2026-11-01"},
        {"observer": "openverse"},
        {"full": True},
    ],
    ids=str,
)
def test_other_rows_have_another_digest(change: dict[str, Any]) -> None:
    assert replace(TABLE, **change).digest != TABLE.digest


def test_a_document_of_before_there_were_observers_is_read(store: Store) -> None:
    document = TABLE.to_json()
    for name in ("observed_on", "observer", "full"):
        del document[name]
    assert Table.from_json(document, "old.json") == TABLE


def test_a_snapshot_of_a_later_day_is_not_the_newest_of_an_earlier_one(store: Store) -> None:
    later = Table(MANIFESTS, "b", date="2026-11-02", onto="a")
    for table in (Table(MANIFESTS, "a"), later):
        store.tables.commit(table)
    assert store.tables.newest(MANIFESTS) == store.tables.newest(MANIFESTS, "2026-11-02") == later
    assert store.tables.newest(MANIFESTS, "2026-11-01") == Table(MANIFESTS, "a")


def test_a_snapshot_is_written_once(store: Store) -> None:
    store.tables.commit(TABLE)
    before = files(store.backend, "datasets")
    store.tables.commit(TABLE)
    store.tables.commit(replace(TABLE, files=({"name": "elsewhere.csv"},)))
    with pytest.raises(StateError, match="taken by other rows"):
        store.tables.commit(replace(TABLE, shards={}))
    assert files(store.backend, "datasets") == before
    assert store.tables.get(TABLE.kind, TABLE.name) == TABLE


def test_one_that_is_not_there_is_named_with_those_that_are(store: Store) -> None:
    with pytest.raises(StateError, match=r"no '2014-05' .*There is: none yet"):
        store.tables.get(MANIFESTS, "2014-05")
    for name in ("b", "a10", "a9"):
        store.tables.commit(Table(MANIFESTS, name))
    with pytest.raises(StateError, match="There is: a9, a10, b"):
        store.tables.get(MANIFESTS, "2014-05")


def test_a_release_is_held_to_the_tables_that_it_states(store: Store) -> None:
    stated = {"name": TABLE.name, "digest": TABLE.digest, "date": TABLE.date, "rows": 6}
    with pytest.raises(StateError, match=f"no '{TABLE.name}'"):
        store.tables.held(OPT_OUTS, stated, "7")
    store.tables.commit(TABLE)
    assert store.tables.held(OPT_OUTS, stated, "7") == TABLE
    with pytest.raises(
        IntegrityError, match=f"release '7' was made of opt-outs '{TABLE.name}' with digest 0"
    ):
        store.tables.held(OPT_OUTS, {**stated, "digest": "0" * 64}, "7")


def test_tables_are_in_the_order_of_their_days(store: Store) -> None:
    for name, date in (("c", "2025-01-01"), ("a", "2026-01-01"), ("b", "2025-01-01"), ("10", ""), ("9", "")):
        store.tables.commit(Table(LICENSES, name, date=date))
    assert [table.name for table in store.tables.all(LICENSES)] == ["9", "10", "b", "c", "a"]


# --- Documents that something happened to --------------------------------------------------------------


keys = st.sampled_from(["kind", "date", "digest", "buckets", "shards", "blobs"])
damage: st.SearchStrategy[Any] = st.sampled_from(
    [None, 1, "", "x", [], {}, [[1]], [[1, 2, 3, 4, 5]], {"a": []}, [None]]
)


@settings(max_examples=60)
@given(keys, damage)
def test_a_document_that_does_not_say_what_was_written_is_an_error(key: str, value: Any) -> None:
    good = TABLE.to_json()
    if good[key] != value:
        with pytest.raises(IntegrityError, match="place"):
            Table.from_json({**good, key: value}, "place")
    without = dict(good)
    del without[key]
    with pytest.raises(IntegrityError, match="place"):
        Table.from_json(without, "place")


@given(st.sampled_from(["turns", "counts", "files", "splits", "unparsable"]), damage)
def test_a_document_of_another_form_is_an_error_or_a_table(key: str, value: Any) -> None:
    with contextlib.suppress(IntegrityError):
        assert Table.from_json({**TABLE.to_json(), key: value}, "place").digest == TABLE.digest


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[]", b"null", b"{}"])
def test_what_is_no_document_is_an_error(store: Store, text: bytes) -> None:
    store.tables.commit(TABLE)
    overwrite(store.backend, document(store, TABLE), text)
    with pytest.raises(IntegrityError, match=TABLE.name):
        store.tables.find(TABLE.kind, TABLE.name)


def test_a_document_may_not_point_at_other_rows(store: Store) -> None:
    store.tables.commit(TABLE)
    value = json.loads(store.backend.read(document(store, TABLE)))
    value["buckets"][0][1] = "other"
    overwrite(store.backend, document(store, TABLE), json.dumps(value).encode())
    with pytest.raises(IntegrityError, match="its buckets have digest"):
        store.tables.get(TABLE.kind, TABLE.name)


# --- Names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["2014-05", "a", "2026.11.0", "A_b-c.d", "0" * 100])
def test_names_that_can_be_part_of_a_path(name: str) -> None:
    assert check_name(name, "snapshot") == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a..b", ".hidden", "a/b", "a b", "-x", "é", "a\n", "0" * 101, "a\\b"]
)
def test_names_that_cannot(name: str) -> None:
    with pytest.raises(ConfigError, match="snapshot"):
        check_name(name, "snapshot")


@given(st.lists(st.tuples(*[st.integers(0, 120)] * 3), unique=True))
def test_versions_are_in_the_order_of_their_numbers(versions: list[tuple[int, int, int]]) -> None:
    names = [".".join(map(str, version)) for version in versions]
    assert sorted(names, key=natural) == [".".join(map(str, version)) for version in sorted(versions)]


@given(st.lists(st.text("ab019.-_", max_size=5)))
def test_any_names_have_an_order(names: list[str]) -> None:
    assert sorted(sorted(names), key=natural) == sorted(sorted(names, reverse=True), key=natural) or any(
        natural(a) == natural(b) for a in names for b in names if a != b
    )
