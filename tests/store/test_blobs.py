from __future__ import annotations

import datetime
import hashlib
import random
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from anyplace import files, overwrite
from hypothesis import given
from hypothesis import strategies as st

from pipelines.store.blobs import Blob, Blobs
from pipelines.store.local import LocalBackend
from pipelines.store.store import Store
from transforms.domain import schemas
from transforms.domain.errors import IntegrityError

text = st.text(st.characters(codec="utf-8"), max_size=8)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.just("flickr"),
            "item_id": text,
            "owner_id": st.none() | text,
            "license": st.sampled_from(["CC-BY-2.0", "unknown"]),
            "license_raw": st.none() | text,
            "visibility": st.sampled_from(["public", "private"]),
            "observed_on": st.dates(datetime.date(1900, 1, 1)),
        }
    ),
    max_size=20,
)


def table(values: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(values, schema=schemas.LICENSES)


def items(count: int) -> pa.Table:
    """A manifest whose columns hold a bit of everything."""
    number = pa.array(range(count))
    words = [f"word {n % 7}" for n in range(count)]
    columns = {
        "source": ["flickr"] * count,
        "item_id": [str(n) for n in range(count)],
        "owner_id": [None if n % 11 == 0 else f"{n % 5}@N00" for n in range(count)],
        "license": ["CC-BY-2.0"] * count,
        "media_type": ["photo"] * count,
        "title": words,
        "tags": [None if n % 13 == 0 else words[: n % 4] for n in range(count)],
        "taken_at": number.cast(pa.int64()).cast(pa.timestamp("ms")),
        "longitude": [n / 7 for n in range(count)],
        "accuracy": pa.array([n % 16 + 1 for n in range(count)], pa.int8()),
    }
    fields = [(f, columns.get(f.name, pa.nulls(count, f.type))) for f in schemas.MANIFEST]
    arrays = [c if isinstance(c, pa.Array) else pa.array(c, f.type) for f, c in fields]
    return pa.table(arrays, schema=schemas.MANIFEST)


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blobs]:
    backend = LocalBackend(tmp_path_factory.mktemp("blobs"))
    yield Blobs(backend)
    backend.close()


@given(rows, st.integers(0, 20), st.booleans())
def test_the_same_rows_are_the_same_blob_however_they_lie_in_memory(
    blobs: Blobs, values: list[dict[str, object]], cut: int, sliced: bool
) -> None:
    whole = table(values)
    in_pieces = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    blob = blobs.put_table(whole, schemas.LICENSES)
    assert blobs.put_table(in_pieces, schemas.LICENSES) == blob
    assert blobs.put_table(pa.concat_tables([whole, whole]).slice(len(whole)), schemas.LICENSES) == blob
    assert blobs.get_table(blob).cast(schemas.LICENSES).equals(whole)
    assert blobs.get_table(blob, ["license", "item_id"]).equals(whole.select(["license", "item_id"]))
    assert blob.rows == len(values)


@given(rows)
def test_dictionaries_are_another_form_of_the_same_rows(
    blobs: Blobs, values: list[dict[str, object]]
) -> None:
    whole = table(values)
    encoded = whole.set_column(3, "license", whole["license"].dictionary_encode())
    found = blobs.get_table(blobs.put_table(encoded, schemas.LICENSES)).cast(schemas.LICENSES)
    assert found.equals(whole)
    assert pa.types.is_dictionary(
        blobs.get_table(blobs.put_table(whole, schemas.LICENSES), dictionary=["license"])["license"].type
    )


def test_a_blob_is_named_by_its_bytes_and_written_once(store: Store) -> None:
    blob = store.blobs.put_table(items(100), schemas.MANIFEST)
    content = store.backend.read(blob.path)
    assert blob.path.endswith(f"/{hashlib.sha256(content).hexdigest()}.parquet")
    assert len(content) == blob.bytes
    before = files(store.backend, "blobs")
    assert list(before) == [blob.path]
    assert store.blobs.put_table(items(100), schemas.MANIFEST) == blob
    assert store.blobs.put_bytes(content, ".parquet").path == blob.path
    with store.blobs.create(".parquet") as sink:
        sink.file.write(content)
    assert files(store.backend, "blobs") == before


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_a_stream_is_named_by_its_bytes(blobs: Blobs, pieces: list[bytes]) -> None:
    with blobs.create(".bin") as sink:
        for piece in pieces:
            sink.file.write(piece)
        assert sink.blob is None
    assert sink.blob is not None
    content = b"".join(pieces)
    assert (sink.blob.digest, sink.blob.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert blobs.read(sink.blob) == content
    assert blobs.put_bytes(content, ".bin").path == sink.blob.path


def test_a_stream_that_breaks_is_no_blob(store: Store) -> None:
    def break_off() -> None:
        with store.blobs.create(".bin") as sink:
            sink.file.write(b"half of it")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert not files(store.backend, "blobs")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["license"]), "'license' is missing"),
        (lambda t: t.set_column(1, "item_id", pa.array([1, 2])), "'item_id' is int64"),
        (lambda t: t.set_column(5, "visibility", pa.array(["public", None])), "1 nulls"),
    ],
)
def test_a_table_of_another_schema_is_refused(
    store: Store, change: Callable[[pa.Table], pa.Table], message: str
) -> None:
    row = {"source": "s", "item_id": "1", "license": "unknown", "visibility": "public"}
    whole = table([row | {"observed_on": datetime.date(2026, 11, 1)}] * 2)
    with pytest.raises(IntegrityError, match=message):
        store.blobs.put_table(change(whole), schemas.LICENSES)
    assert not files(store.backend, "blobs")


@given(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0), st.integers(0))
def test_a_reference_is_json(digest: str, rows: int, size: int) -> None:
    blob = Blob(digest, ".parquet", rows, size)
    assert Blob.from_json(blob.to_json()) == blob


# --- Damage ------------------------------------------------------------------------------------------------


def test_a_flipped_bit_in_a_table_is_found_or_changes_nothing(store: Store, place: str) -> None:
    whole = items(500)
    blob = store.blobs.put_table(whole, schemas.MANIFEST)
    sound = store.backend.read(blob.path)
    often = 10 if place == "local" else 1
    footer_bytes = int.from_bytes(sound[-8:-4], "little")
    dice = random.Random(7)
    anywhere = [dice.randrange(len(sound)) for _ in range(10 * often)]
    in_footer = [dice.randrange(len(sound) - footer_bytes - 8, len(sound)) for _ in range(20 * often)]
    found = 0
    for at in [*anywhere, *in_footer]:
        flipped = bytearray(sound)
        flipped[at] ^= 1 << dice.randrange(8)
        overwrite(store.backend, blob.path, bytes(flipped))
        try:
            read = store.blobs.get_table(blob, schema=schemas.MANIFEST)
        except IntegrityError:
            found += 1
        else:
            assert read.equals(whole), f"other rows, with a bit of byte {at} flipped"
        with pytest.raises(IntegrityError, match="damaged"):
            store.blobs.verify(blob)
        with pytest.raises(IntegrityError, match="damaged"):
            store.blobs.read(blob)
    assert found > 10 * often
    overwrite(store.backend, blob.path, sound)
    store.blobs.verify(blob)
    assert store.blobs.get_table(blob).cast(schemas.MANIFEST).equals(whole)


@pytest.mark.parametrize("size", [0, 3, 4, 11, 12, 1000, -8, -1])
def test_a_table_cut_short_is_found(store: Store, size: int) -> None:
    blob = store.blobs.put_table(items(500), schemas.MANIFEST)
    overwrite(store.backend, blob.path, store.backend.read(blob.path)[:size])
    for read in (store.blobs.get_table, store.blobs.verify, store.blobs.read):
        with pytest.raises(IntegrityError, match=blob.digest):
            read(blob)


def test_a_missing_blob_is_found(store: Store) -> None:
    blob = store.blobs.put_table(items(3), schemas.MANIFEST)
    store.blobs.remove(blob)
    assert not store.blobs.has(blob)
    for read in (store.blobs.get_table, store.blobs.verify, store.blobs.read):
        with pytest.raises(IntegrityError, match="missing"):
            read(blob)


def test_a_table_of_another_length_is_found(store: Store) -> None:
    blob = store.blobs.put_table(items(3), schemas.MANIFEST)
    with pytest.raises(IntegrityError, match="3 rows, not 4"):
        store.blobs.get_table(Blob(blob.digest, blob.suffix, 4, blob.bytes))
