from __future__ import annotations

import datetime
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.domain import schemas
from transforms.domain.errors import ConfigError, InputError
from transforms.formats import canonical
from transforms.formats.lines import Parsed

DAY = datetime.date(2026, 11, 1)
ITEM = {
    "source": "flickr",
    "item_id": "1",
    "owner_id": "12@N01",
    "license": "CC-BY-2.0",
    "license_raw": "by 2.0",
    "media_type": "photo",
    "tags": ["a", "b"],
    "taken_at": datetime.datetime(4501, 1, 1),
    "longitude": 1.5,
    "accuracy": 16,
    "width": 640,
}
LICENSE = {
    "source": "flickr",
    "item_id": "1",
    "owner_id": None,
    "license": "http://creativecommons.org/licenses/by/2.0/",
    "license_raw": None,
    "visibility": "public",
    "observed_on": DAY,
}


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def table(rows: Sequence[dict[str, Any]], schema: pa.Schema, **types: pa.DataType) -> pa.Table:
    fields = [pa.field(field.name, types.get(field.name, field.type)) for field in schema]
    return pa.Table.from_pylist(list(rows), schema=pa.schema(fields))


def read(data: bytes, fmt: canonical.Canonical, **given_settings: object) -> Parsed:
    assert fmt.variant(data[:100], "here") == {}
    pieces = list(fmt.batches(io.BytesIO(data), given_settings))
    unparsable = sum((Counter(piece.unparsable) for piece in pieces), Counter[str]())
    rows = pa.concat_tables(piece.rows for piece in pieces)
    return Parsed(rows, pa.concat_tables(piece.quarantined for piece in pieces), unparsable)


def manifest(*rows: dict[str, Any], **types: pa.DataType) -> Parsed:
    return read(
        parquet(table([{**ITEM, **row} for row in rows], schemas.MANIFEST, **types)), canonical.MANIFEST
    )


def snapshot(*rows: dict[str, Any], **given_settings: object) -> Parsed:
    made = table([{**LICENSE, **row} for row in rows], schemas.LICENSES)
    return read(parquet(made), canonical.LICENSES, **given_settings)


def test_a_manifest_written_by_itself_is_read_as_it_was() -> None:
    written = table([{**ITEM, "item_id": str(number)} for number in range(1, 40_000)], schemas.MANIFEST)
    parsed = read(parquet(written, row_group_size=7_000), canonical.MANIFEST)
    assert parsed.rows.equals(written.cast(schemas.MANIFEST))
    assert len(parsed.quarantined) == 0


@pytest.mark.parametrize(
    ("types", "change"),
    [
        ({"item_id": pa.int64()}, {"item_id": 1}),
        ({"item_id": pa.dictionary(pa.int32(), pa.string())}, {}),
        ({"owner_id": pa.large_string(), "license": pa.string_view()}, {}),
        ({"tags": pa.large_list(pa.string())}, {}),
        ({"taken_at": pa.timestamp("us"), "uploaded_at": pa.timestamp("s", "UTC")}, {}),
        ({"longitude": pa.float32(), "accuracy": pa.int64(), "width": pa.uint16()}, {}),
    ],
)
def test_other_types_of_the_same_values_are_read(
    types: dict[str, pa.DataType], change: dict[str, Any]
) -> None:
    assert manifest(change, change, **types).rows.equals(manifest({}, {}).rows)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"item_id": "ID"}, "column 'ID' is unknown. column 'item_id' is missing."),
        (
            {"item_id": "item_Id"},
            "column 'item_Id' is unknown. Did you mean 'item_id'? column 'item_id' is missing.",
        ),
        ({"title": "item_id"}, "column 'item_id' is there 2 times. column 'title' is missing."),
        ({"title": 'a"\n'}, "column 'a\"\\n' is unknown. column 'title' is missing."),
    ],
)
def test_misspelt_columns_are_refused(rename: dict[str, str], message: str) -> None:
    made = table([ITEM], schemas.MANIFEST)
    made = made.rename_columns([rename.get(name, name) for name in made.column_names])
    with pytest.raises(InputError) as error:
        read(parquet(made), canonical.MANIFEST)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("item_id", pa.float64()),
        ("item_id", pa.binary()),
        ("title", pa.int64()),
        ("tags", pa.string()),
        ("tags", pa.list_(pa.int64())),
        ("taken_at", pa.string()),
        ("longitude", pa.string()),
        ("accuracy", pa.float64()),
    ],
)
def test_columns_of_another_type_are_refused(name: str, kind: pa.DataType) -> None:
    made = table([{**ITEM, name: None}], schemas.MANIFEST, **{name: kind})
    with pytest.raises(InputError, match=f"column '{name}' is .*, not "):
        read(parquet(made), canonical.MANIFEST)


def test_ten_thousand_columns_make_a_short_message() -> None:
    with pytest.raises(InputError) as error:
        read(parquet(pa.table({f"c{n}": [1] for n in range(10_000)})), canonical.MANIFEST)
    assert len(str(error.value)) < 2_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"item_id": None}, "item_id_missing"),
        ({"item_id": "x1"}, "item_id_unparsable"),
        ({"item_id": "a b", "source": "other"}, "item_id_unparsable"),
        ({"source": None}, "source_unparsable"),
        ({"owner_id": "a\nb"}, "owner_id_unparsable"),
        ({"owner_id": "a" * 257}, "owner_id_unparsable"),
        ({"title": "a" * (1 << 20) + "b"}, "cell_too_large"),
        ({"tags": ["a", "b" * (1 << 20) + "b"]}, "cell_too_large"),
    ],
)
def test_unsound_rows_are_quarantined(change: dict[str, Any], reason: str) -> None:
    parsed = manifest({}, change, {"item_id": "2"})
    assert parsed.rows["item_id"].to_pylist() == ["1", "2"]
    (found,) = parsed.quarantined.to_pylist()
    assert (found["reason"], found["line"], found["offset_bytes"]) == (reason, 1, 1)
    assert found["raw"].startswith(b'{"source": ')


def test_bytes_that_are_no_text_are_quarantined() -> None:
    made = table([ITEM, ITEM, ITEM], schemas.MANIFEST)
    for name, cells in {"title": [b"a", b"\xff", None], "owner_name": [b"a", b"b", b"\xc3"]}.items():
        broken = pa.array(cells, pa.binary()).view(pa.string())
        made = made.set_column(made.column_names.index(name), name, broken)
    tags = pa.ListArray.from_arrays([0, 0, 0, 1], pa.array([b"\xff"], pa.binary()).view(pa.string()))
    made = made.set_column(made.column_names.index("tags"), "tags", tags)
    parsed = read(parquet(made), canonical.MANIFEST)
    assert parsed.quarantined["reason"].to_pylist() == ["invalid_utf8"] * 2
    assert parsed.quarantined["line"].to_pylist() == [1, 2]
    assert rb"\\xff" in parsed.quarantined["raw"][0].as_py()


def test_numbers_out_of_range_become_null_and_are_counted() -> None:
    parsed = manifest(
        {"longitude": 181.0, "accuracy": 300, "width": 2**40}, accuracy=pa.int64(), width=pa.int64()
    )
    assert parsed.unparsable == {"longitude": 1, "accuracy": 1, "width": 1}
    assert parsed.rows.select(["longitude", "accuracy", "width"]).to_pylist() == [
        {"longitude": None, "accuracy": None, "width": None}
    ]


def test_licenses_are_normalized_and_kept_as_written() -> None:
    rows = manifest({"license": "4", "license_raw": None}, {"license": "??"}, {"license": None}).rows
    assert rows["license"].to_pylist() == ["CC-BY-2.0", "unknown", "unknown"]
    assert rows["license_raw"].to_pylist() == ["4", "by 2.0", "by 2.0"]


# --- License snapshots -------------------------------------------------------------------------------------


def test_a_snapshot() -> None:
    (row,) = snapshot({}).rows.to_pylist()
    assert row == {**LICENSE, "license": "CC-BY-2.0", "license_raw": LICENSE["license"]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"visibility": "Public"}, "visibility_unparsable"),
        ({"visibility": None}, "visibility_unparsable"),
        ({"observed_on": None}, "observed_on_unparsable"),
        ({"item_id": "0"}, "item_id_unparsable"),
    ],
)
def test_unsound_observations_are_quarantined(change: dict[str, Any], reason: str) -> None:
    parsed = snapshot({}, change)
    assert parsed.quarantined["reason"].to_pylist() == [reason]
    assert len(parsed.rows) == 1


def test_defaults_fill_what_a_snapshot_does_not_say() -> None:
    made = table([LICENSE], schemas.LICENSES).drop_columns(["source", "observed_on", "license_raw"])
    parsed = read(parquet(made), canonical.LICENSES, source="flickr", observed_on="2026-11-01")
    assert parsed.rows.equals(snapshot({}).rows)
    assert snapshot(
        {"source": None, "observed_on": None}, source="flickr", observed_on="2026-11-01"
    ).rows.equals(snapshot({}).rows)
    with pytest.raises(InputError, match="column 'source' is missing"):
        read(parquet(made), canonical.LICENSES, observed_on="2026-11-01")
    with pytest.raises(InputError, match="column 'visibility' is missing"):
        read(
            parquet(made.drop_columns(["visibility"])),
            canonical.LICENSES,
            source="x",
            observed_on="2026-11-01",
        )
    with pytest.raises(ConfigError, match="observed_on is 'yesterday'"):
        read(parquet(made), canonical.LICENSES, source="flickr", observed_on="yesterday")


# --- Files that lie ----------------------------------------------------------------------------------------

SOUND = parquet(table([{**ITEM, "item_id": str(n)} for n in range(1, 200)], schemas.MANIFEST))


@settings(max_examples=60)
@given(st.one_of(st.integers(4, len(SOUND) - 1), st.integers(len(SOUND) - 64, len(SOUND) - 1)))
def test_a_cut_file_is_one_clear_error(length: int) -> None:
    with pytest.raises(InputError, match=r"^a corrupt or cut Parquet file"):
        read(SOUND[:length], canonical.MANIFEST)


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_no_flipped_bit_gives_other_rows(compression: str) -> None:
    made = table([{**ITEM, "item_id": str(n)} for n in range(1, 50)], schemas.MANIFEST)
    data = parquet(made, compression=compression, write_page_checksum=True)
    pages = data[4 : pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).total_byte_size]
    for place in range(0, len(pages), max(1, len(pages) // 100)):
        broken = bytearray(data)
        broken[4 + place] ^= 1 << (place % 8)
        try:
            parsed = read(bytes(broken), canonical.MANIFEST)
        except InputError:
            continue
        assert parsed.rows.equals(made.cast(schemas.MANIFEST))


def test_a_dictionary_bomb_is_read_in_small_pieces() -> None:
    title = "x" * (1 << 20)
    rows = pa.table({**table([ITEM], schemas.MANIFEST).to_pydict()}, schema=schemas.MANIFEST).take([0] * 400)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 400, pa.int32()), [title])
    data = parquet(rows.set_column(rows.column_names.index("title"), "title", column))
    assert len(data) < 200_000
    pieces = [len(piece.rows) for piece in canonical.MANIFEST.batches(io.BytesIO(data), {})]
    assert sum(pieces) == 400
    assert max(pieces) <= 32


def test_a_column_that_unpacks_to_over_a_gibibyte_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "_CHUNK_BYTES", 100)
    with pytest.raises(InputError, match=r"of row group 0 unpacks to .* Write smaller row groups"):
        read(SOUND, canonical.MANIFEST)


def test_what_is_no_parquet_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"^f: not canonical: found 2 tab-separated columns, expected a Parquet"
    ):
        canonical.MANIFEST.variant(b"a\tb\n", "f")


def test_files_of_before_there_were_hashes_and_people_say_nothing_of_them() -> None:
    made = table([ITEM], schemas.MANIFEST).drop_columns(["content_sha256", "person_present"])
    (row,) = read(parquet(made), canonical.MANIFEST).rows.to_pylist()
    assert (row["content_sha256"], row["person_present"]) == (None, None)


def test_hashes_are_found_however_they_were_written() -> None:
    parsed = manifest(
        {"content_md5": "AB" * 16, "content_sha256": "Cd" * 32, "person_present": True},
        {"content_md5": "ab", "content_sha256": "sha256:" + "c" * 64, "person_present": False},
    )
    columns = ("content_md5", "content_sha256", "person_present")
    found = [tuple(row[name] for name in columns) for row in parsed.rows.to_pylist()]
    assert found == [("ab" * 16, "cd" * 32, True), (None, None, False)]
    assert parsed.unparsable == {"content_md5": 1, "content_sha256": 1}
