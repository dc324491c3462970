"""Row groups of other files in one: to the byte what the writer gives. Files unlike ours are refused."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import manifest_row, table

from pipelines.store import parquet, rowgroups
from pipelines.store.rowgroups import Piece, UnlikeOursError, splice
from transforms.domain.errors import IntegrityError
from transforms.domain.schemas import INDEX, MANIFEST, REPEATING

FEW = settings(max_examples=40)

texts = st.none() | st.sampled_from(["", "a", "ü", "long " * 400])
lists = st.none() | st.lists(st.sampled_from(["cat", "dog", "é"]), max_size=3)
rows = st.tuples(st.none() | st.sampled_from(["ann", "bob"]), texts, lists)
groups_of_rows = st.lists(st.lists(rows, min_size=1, max_size=4), min_size=1, max_size=6)


def groups(drawn: list[list[tuple[object, ...]]], form: str = "dictionaries") -> list[pa.Table]:
    """Row groups of a manifest."""
    made = []
    for at, group in enumerate(drawn):
        values = [
            manifest_row(
                "flickr", f"{at}/{n}", owner, [("owner_name", owner), ("title", title), ("tags", tags)]
            )
            for n, (owner, title, tags) in enumerate(group)
        ]
        made.append(table(values, MANIFEST, form, dictionaries=REPEATING))
    return made


def file(tables: list[pa.Table], schema: pa.Schema = MANIFEST) -> bytes:
    return parquet.write(tables, schema).to_pybytes()


@FEW
@given(groups_of_rows, st.sampled_from(["dictionaries", "plain"]))
def test_files_of_one_group_spliced_are_one_file_of_all_groups(drawn: list, form: str) -> None:
    parts = groups(drawn, form)
    assert splice([Piece(file([part]), 0, len(part)) for part in parts]) == file(parts)


@FEW
@given(groups_of_rows, groups_of_rows, st.data())
def test_groups_of_two_files_in_any_order_are_what_is_written_of_them(
    one: list, other: list, data: st.DataObject
) -> None:
    parts = [groups(one), groups(other)]
    files = [file(each) for each in parts]
    places = [(f, g) for f in (0, 1) for g in range(len(parts[f]))]
    chosen = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=20))
    spliced = splice([Piece(files[f], g, len(parts[f][g])) for f, g in chosen])
    assert spliced == file([parts[f][g] for f, g in chosen])
    again = pq.read_table(pa.BufferReader(spliced), page_checksum_verification=True)
    assert again.to_pylist() == [row for f, g in chosen for row in parts[f][g].to_pylist()]


def wide(count: int) -> list[pa.Table]:
    """Row groups long enough that offsets have several bytes."""
    dice = np.random.default_rng(3)
    ids = [np.sort(dice.integers(0, 2**60, 3_000)) for _ in range(count)]
    return [
        pa.table([["flickr"] * 3_000, pa.array(each).cast(pa.string()), each.astype(np.uint64)], schema=INDEX)
        for each in ids
    ]


@pytest.mark.parametrize("count", [1, 14, 15, 16, 130])
def test_as_many_groups_as_there_are(count: int, tmp_path: object) -> None:
    parts = wide(count)
    spliced = splice([Piece(file([part], INDEX), 0, len(part)) for part in parts])
    assert spliced == file(parts, INDEX)
    path = f"{tmp_path}/spliced.parquet"
    with open(path, "wb") as out:
        out.write(spliced)
    expected = sum(int(part["home"].to_numpy().astype(object).sum()) for part in parts)
    with duckdb.connect() as connection:
        found = connection.execute(f"select count(*), sum(home) from '{path}'").fetchall()
    assert found == [(3_000 * count, expected)]


def test_checksums_of_copied_pages_still_tell_of_damage() -> None:
    parts = wide(2)
    pieces = [file([part], INDEX) for part in parts]
    spliced = bytearray(splice([Piece(each, 0, 3_000) for each in pieces]))
    spliced[len(pieces[0]) + 10_000] ^= 1  # of the second group
    opened = parquet.RowGroups(pa.BufferReader(bytes(spliced)), "part", schema=INDEX)
    assert opened.read(0).equals(parts[0].cast(INDEX))
    with pytest.raises(IntegrityError, match="part: the blob is damaged"):
        opened.read(1)


def written(**settings: object) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(wide(1)[0], sink, **{"store_schema": False, **settings})
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("data", "rows", "message"),
    [
        (b"", 3_000, "not a Parquet file"),
        (b"PAR1 and no more", 3_000, "not a Parquet file"),
        (file(wide(1), INDEX), 2_999, "is to have 2999 rows"),
        (written(store_schema=True), 3_000, "field 5 of FileMetaData"),
        (written(write_page_index=True), 3_000, "field 4 of a row group"),
        (written(sorting_columns=[pq.SortingColumn(0)]), 3_000, "field 4 of a row group"),
        (written()[:-8] + b"\x03\x00\x00\x00PAR1", 3_000, "ends too early|without rows|does not follow"),
    ],
)
def test_what_our_writer_does_not_write_is_refused(data: bytes, rows: int, message: str) -> None:
    with pytest.raises(UnlikeOursError, match=message):
        splice([Piece(data, 0, rows)])


def test_row_groups_that_do_not_lie_end_to_end_are_refused() -> None:
    data = file(wide(2), INDEX)
    (first, second) = (slice(*group.entry) for group in rowgroups._read(data).groups)
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    body, entries = data[:footer], data[footer:-8]
    head, one, two, tail = entries[: first.start], entries[first], entries[second], entries[second.stop :]
    exchanged = body + head + two + one + tail + data[-8:]
    assert len(exchanged) == len(data)
    with pytest.raises(UnlikeOursError, match="do not lie end to end"):
        splice([Piece(exchanged, 0, 3_000)])


def test_files_of_two_writers_are_refused() -> None:
    data = file(wide(1), INDEX)
    other = data.replace(b"parquet-cpp-arrow version", b"parquet-cpp-arrow Version")
    assert other != data
    with pytest.raises(UnlikeOursError, match="more than one schema or writer"):
        splice([Piece(data, 0, 3_000), Piece(other, 0, 3_000)])


def test_files_of_two_schemas_are_refused() -> None:
    (index,) = wide(1)
    other = file([index.drop_columns(["home"])], pa.schema([INDEX.field(0), INDEX.field(1)]))
    with pytest.raises(UnlikeOursError, match="more than one schema"):
        splice([Piece(file([index], INDEX), 0, 3_000), Piece(other, 0, 3_000)])


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnlikeOursError, match="row group 1 is to have"):
        splice([Piece(file(wide(1), INDEX), 1, 3_000)])
