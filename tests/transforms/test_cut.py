"""The cut: kept and excluded partition the manifest, and nothing of whoever is left out travels along."""

from dataclasses import replace
from itertools import compress

import numpy as np
import oracle
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    buckets,
    exactly,
    leave_tables,
    manifest_row,
    manifest_table,
    now,
    opted_out,
    policies,
    shapes,
    table,
)
from unpacked import unpacked

from transforms.cut import cut
from transforms.decide import decide
from transforms.domain.policy import Policy
from transforms.domain.reasons import BIT, PRECEDENCE, REASONS
from transforms.domain.schemas import EXCLUDED, ITEMS, MANIFEST, REPEATING
from transforms.facts import join_facts

FEWER = settings(max_examples=40)

POLICY = Policy("research-noncommercial", ("CC-BY-2.0",), "newest", *(["keep"] * 5))
TEXTS = [field.name for field in MANIFEST if pa.types.is_string(field.type) or pa.types.is_list(field.type)]
PERSONAL = ("owner_id", "owner_name", "tags", "title")


def personal(row):
    """The row with values of which one can tell whose they are."""
    nobody = row["owner_id"] is None
    return {
        **row,
        "owner_name": None if nobody else f"name of {row['source']}/{row['owner_id']}",
        "title": f"title of {row['source']}/{row['item_id']}",
        "tags": row["tags"] and [f"tag of {row['item_id']}", *row["tags"], "shared"],
    }


@st.composite
def cuts_of(draw):
    """A bucket as rows and in any shape; its facts, any reasons at all, and a policy."""
    bucket, policy = draw(buckets()), draw(policies())
    rows = [personal(row) for row in bucket.manifest]
    dictionaries = draw(st.sampled_from((REPEATING, TEXTS)))
    manifest = table(rows, MANIFEST, draw(shapes()), dictionaries=dictionaries)
    facts = replace(bucket, manifest=rows).facts()
    bits = st.just(0) | st.integers(1, 2 ** len(REASONS) - 1)
    reasons = np.array(draw(st.lists(bits, min_size=len(rows), max_size=len(rows))), np.uint32)
    return rows, manifest, facts, reasons, policy


def values(column):
    """Every text in a column, its dictionary and its lists, in use or not."""
    found = set()
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if pa.types.is_list(chunk.type):
            found |= values(chunk.values)
        elif pa.types.is_dictionary(chunk.type):
            found |= set(chunk.dictionary.to_pylist())
        else:
            found |= set(chunk.to_pylist())
    return found - {None}


def texts_of(rows, name):
    cells = [row[name] for row in rows if row[name] is not None]
    return {text for cell in cells for text in (cell if isinstance(cell, list) else [cell])}


@FEWER
@given(cuts_of())
def test_items_and_excluded_partition_the_manifest(made):
    rows, manifest, facts, reasons, policy = made
    items, excluded = cut(manifest, facts, reasons, policy)
    kept = [row for row, why in zip(rows, reasons, strict=True) if not why]
    assert [oracle.pair(row) for row in items.to_pylist()] == [oracle.pair(row) for row in kept]
    assert [oracle.pair(row) for row in excluded.to_pylist()] == [
        oracle.pair(row) for row, why in zip(rows, reasons, strict=True) if why
    ]
    assert len(items) + len(excluded) == len(rows)


@given(cuts_of())
def test_items_are_the_kept_rows_with_the_license_that_decided(made):
    rows, manifest, facts, reasons, policy = made
    items, _ = cut(manifest, facts, reasons, policy)
    expected = []
    for row, fact, why in zip(rows, facts.to_pylist(), reasons.tolist(), strict=True):
        then, now = fact["license_then"], fact["license_now"]
        if not why:
            decided = now if policy.license_change == "newest" else then
            expected.append({**row, "license": decided, "license_then": then, "license_now": now})
    assert items.column_names == ITEMS.names
    assert exactly(items) == exactly(expected)


@FEWER
@given(cuts_of())
def test_excluded_rows_have_all_their_reasons(made):
    rows, manifest, facts, reasons, policy = made
    _, excluded = cut(manifest, facts, reasons, policy)
    assert excluded.column_names == EXCLUDED.names
    assert excluded.to_pylist() == [
        {
            **{name: row[name] for name in ("source", "item_id", "owner_id")},
            "first_reason": next(name for name in PRECEDENCE if why & BIT[name]),
            "reasons": why,
        }
        for row, why in zip(rows, reasons.tolist(), strict=True)
        if why
    ]


@given(cuts_of())
def test_no_dictionary_of_the_items_holds_a_value_of_an_excluded_row(made):
    rows, manifest, facts, reasons, policy = made
    items, _ = cut(manifest, facts, reasons, policy)
    kept = list(compress(rows, reasons == 0))
    out = list(compress(rows, reasons != 0))
    for name in TEXTS if out else ():
        # The license of an item is that of its facts, and no one's secret.
        assert name == "license" or values(items[name]) <= texts_of(kept, name)
    for name in PERSONAL:
        assert not values(items[name]) & (texts_of(out, name) - texts_of(kept, name))


# --- As it lies on disk ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["plain", "dictionaries", "sliced dictionaries"])
def test_the_blob_of_a_release_holds_nothing_of_an_excluded_row(store, shape):
    rows = [
        manifest_row(
            "flickr",
            f"item{n:03}",
            f"owner{n // 5:03}",
            [("owner_name", f"named{n // 5:03}"), ("title", f"title{n:03}"), ("tags", ["all", f"tag{n:03}"])],
        )
        for n in range(200)
    ]
    gone = {f"owner{n:03}" for n in (0, 3, 17, 39)}
    manifest = table(rows, MANIFEST, shape)
    leave = leave_tables([opted_out("owner", "flickr", key) for key in gone], manifest)
    facts = join_facts(manifest, now(manifest, []), *leave)
    items, excluded = cut(manifest, facts, decide(facts, POLICY), POLICY)
    assert len(excluded) == 20

    blob = store.blobs.put_table(items, ITEMS)
    data = unpacked(store.blobs.read(blob))
    for row in rows:
        traces = [row["owner_id"], row["owner_name"], row["title"], row["item_id"], row["tags"][1]]
        found = [trace for trace in traces if trace.encode() in data]
        assert found == ([] if row["owner_id"] in gone else traces)

    columns = [f.name for f in ITEMS if pa.types.is_string(f.type)] + ["tags.list.element"]
    read = pq.read_table(pa.BufferReader(store.blobs.read(blob)), read_dictionary=columns)
    for name in PERSONAL:
        assert not values(read[name]) & texts_of([r for r in rows if r["owner_id"] in gone], name) - {"all"}


def test_nothing_left_out_leaves_the_manifest_as_it_is(store):
    rows = [manifest_row("flickr", str(n), "a", [("tags", ["cat"])]) for n in range(3)]
    facts = join_facts(manifest_table(rows), now(manifest_table(rows), []))
    items, excluded = cut(manifest_table(rows), facts, decide(facts, POLICY), POLICY)
    assert exactly(items.select(MANIFEST.names)) == exactly(rows)
    assert len(excluded) == 0
    assert store.blobs.get_table(store.blobs.put_table(items, ITEMS)).equals(items.cast(ITEMS))


def test_everything_may_be_left_out():
    rows = [manifest_row("flickr", str(n), "a", [("tags", ["cat"])]) for n in range(3)]
    for manifest in (table(rows, MANIFEST, "dictionaries"), table([], MANIFEST, "dictionaries")):
        facts = join_facts(manifest, now(manifest, []))
        reasons = np.full(len(manifest), 1, np.uint32)
        items, excluded = cut(manifest, facts, reasons, POLICY)
        assert len(items) == 0
        assert len(excluded) == len(manifest)
        if len(manifest):
            assert not any(values(items[name]) for name in PERSONAL)
