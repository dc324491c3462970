"""Weighing counts what a row-by-row look counts, however the manifest is cut into buckets and their parts."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.schemas import MANIFEST, MET
from transforms.weigh import TARGETS, WEIGHTS, weigh

SOURCES, OWNERS, ITEMS = ("flickr", "museum"), ("1@N00", "2@N00", "3@N00"), ("1", "2", "3", "4")
Row = dict[str, Any]

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(SOURCES),
            "item_id": st.sampled_from(ITEMS),
            "owner_id": st.sampled_from([*OWNERS, None]),
            "content_md5": st.sampled_from(["aa", None]),
            "content_sha256": st.none(),
            "tags": st.lists(st.sampled_from("xy"), max_size=2),
            "owner_name": st.sampled_from(["ann", "bob", None]),
        }
    ),
    max_size=10,
    unique_by=lambda row: (row["source"], row["item_id"]),
)
TARGET_ROWS = st.lists(
    st.one_of(
        st.tuples(st.just("item"), st.sampled_from(SOURCES), st.sampled_from(ITEMS)),
        st.tuples(st.just("owner"), st.sampled_from(SOURCES), st.sampled_from(OWNERS)),
        st.tuples(st.just("tag"), st.none(), st.sampled_from("xy")),
        st.tuples(st.just("name"), st.none(), st.sampled_from(["ann", "bob"])),
    ),
    unique=True,
)
WIDE = {"tag": lambda row, key: key in row["tags"], "name": lambda row, key: row["owner_name"] == key}


def meets(row: Row, target: tuple[str, str | None, str], rows: list[Row]) -> bool:
    """Whether a row is one that the target means."""
    kind, source, key = target
    if kind in ("item", "owner"):
        return bool(row["source"] == source and row[f"{kind}_id"] == key)
    if kind == "tag" or row["owner_id"] is None:
        return WIDE[kind](row, key)
    theirs = [each for each in rows if _owner(each) == _owner(row)]
    return any(WIDE[kind](each, key) for each in theirs)


def _owner(row: Row) -> tuple[str, str | None]:
    return row["source"], row["owner_id"]


def met(rows: list[Row], targets: list[tuple[str, str | None, str]]) -> pa.Table:
    """What `transforms.match` would say, a row twice where a bucket's parts say it twice."""
    found = []
    for kind, _, key in targets:
        for place, row in enumerate(rows):
            if kind in WIDE and WIDE[kind](row, key):
                by_owner = kind == "name" and row["owner_id"] is not None
                found.append(
                    {
                        "kind": kind,
                        "key": key,
                        "row": None if by_owner else place,
                        "source": row["source"] if by_owner else None,
                        "owner_id": row["owner_id"] if by_owner else None,
                    }
                )
    return pa.Table.from_pylist(found, schema=MET)


@given(ROWS, TARGET_ROWS, st.booleans())
def test_it_counts_what_a_look_at_each_row_counts(
    rows: list[Row], wanted: list[tuple[str, str | None, str]], encoded: bool
) -> None:
    schema = pa.schema([MANIFEST.field(name) for name in rows[0]] if rows else list(MANIFEST))
    manifest = pa.Table.from_pylist(rows, schema=schema)
    if encoded:
        for name in ("source", "owner_id"):
            place = manifest.schema.get_field_index(name)
            manifest = manifest.set_column(place, name, manifest[name].dictionary_encode())
    columns = list(zip(*wanted, strict=True)) or [(), (), ()]
    targets = pa.table([pa.array(each, pa.string()) for each in columns], schema=TARGETS)
    found = weigh(manifest, targets, met(rows, wanted))
    assert found.schema == WEIGHTS
    expected = []
    for target in wanted:
        hit = [row for row in rows if meets(row, target, rows)]
        if hit:
            owners = {_owner(row) for row in hit if row["owner_id"] is not None}
            md5 = hit[0]["content_md5"] if target[0] == "item" else None
            expected.append((*target, len(hit), len(owners), md5, None))
    assert [tuple(row.values()) for row in found.to_pylist()] == expected
