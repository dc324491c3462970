from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.store.blobs import Blobs
from pipelines.store.local import LocalBackend
from pipelines.store.routed import Routed, Slice, gather, route
from transforms.domain.errors import IntegrityError

SCHEMA = pa.schema(
    [pa.field("item_id", pa.string(), nullable=False), pa.field("tags", pa.list_(pa.string()))]
)
Rows = list[tuple[int, tuple[str, list[str] | None]]]
row = st.tuples(st.text(max_size=5), st.none() | st.lists(st.text(max_size=3), max_size=2))
routed_rows = st.lists(st.tuples(st.integers(0, 7), row), max_size=40)


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blobs]:
    backend = LocalBackend(tmp_path_factory.mktemp("routed"))
    yield Blobs(backend)
    backend.close()


def table(rows: list[tuple[str, list[str] | None]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)


def send(blobs: Blobs, rows: Rows, *, name_rows: bool = False) -> Routed:
    buckets = np.array([bucket for bucket, _ in rows], np.int32)
    return route(blobs, table([row for _, row in rows]), buckets, name_rows=name_rows)


@settings(max_examples=40)
@given(routed_rows, st.booleans())
def test_each_bucket_gets_its_rows_in_their_order(blobs: Blobs, rows: Rows, name_rows: bool) -> None:
    sent = send(blobs, rows, name_rows=name_rows)
    slices = dict(sent.slices())
    assert list(slices) == sorted({bucket for bucket, _ in rows})
    for bucket, piece in slices.items():
        mine = table([row for at, row in rows if at == bucket])
        assert gather(blobs, [piece], SCHEMA).equals(mine)
        assert piece.rows == len(mine)
    assert sent.file.rows == len(rows)
    assert sum(piece.span[1] for piece in slices.values()) == sent.file.bytes


@settings(max_examples=40)
@given(routed_rows)
def test_a_routed_file_and_its_slices_are_json(blobs: Blobs, rows: Rows) -> None:
    sent = send(blobs, rows, name_rows=True)
    assert Routed.from_json(sent.to_json()) == sent
    for _, piece in sent.slices():
        assert Slice.from_json(piece.to_json()) == piece


@settings(max_examples=40)
@given(routed_rows, routed_rows)
def test_named_rows_have_the_same_name_wherever_they_lie(blobs: Blobs, rows: Rows, others: Rows) -> None:
    """What else is in the file must not show in a bucket's digest: else every bucket would look touched."""
    mine = [(2 * bucket + 1, row) for bucket, row in rows]
    elsewhere = [(2 * bucket, row) for bucket, row in others]
    alone = dict(send(blobs, mine, name_rows=True).slices())
    among = dict(send(blobs, [*elsewhere, *mine], name_rows=True).slices())
    for bucket, piece in alone.items():
        assert among[bucket].digest == piece.digest


@settings(max_examples=40)
@given(routed_rows, st.integers(0))
def test_other_rows_have_another_name(blobs: Blobs, rows: Rows, place: int) -> None:
    if not rows:
        return
    place %= len(rows)
    bucket, (item_id, tags) = rows[place]
    changed = [*rows[:place], (bucket, (item_id + "x", tags)), *rows[place + 1 :]]
    before, after = (dict(send(blobs, each, name_rows=True).slices()) for each in (rows, changed))
    assert {b for b in before if before[b].digest != after[b].digest} == {bucket}


@settings(max_examples=40)
@given(st.lists(routed_rows, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_gathering_does_not_depend_on_the_order_of_slices(
    blobs: Blobs, files: list[Rows], dice: random.Random
) -> None:
    slices = [piece for rows in files for _, piece in send(blobs, rows).slices()]
    shuffled = slices.copy()
    dice.shuffle(shuffled)
    found = gather(blobs, shuffled, SCHEMA)
    assert found.equals(gather(blobs, slices, SCHEMA))
    assert len(found) == sum(len(rows) for rows in files)


def test_damaged_rows_are_told_from_others(blobs: Blobs) -> None:
    sent = send(blobs, [(0, ("a", None))])
    ((_, piece),) = sent.slices()
    offset, length = piece.span
    cut = Slice.of(sent.file, offset, length // 2, 1)
    with pytest.raises(IntegrityError, match="damaged"):
        gather(blobs, [cut], SCHEMA)


def test_gathering_nothing_is_an_empty_table(blobs: Blobs) -> None:
    assert gather(blobs, [], SCHEMA).equals(SCHEMA.empty_table())
    assert list(send(blobs, []).slices()) == []
