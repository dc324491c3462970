"""Schemas: each table's columns, and the door that lets no other through."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain import schemas
from transforms.domain.conformity import conform
from transforms.domain.errors import IntegrityError
from transforms.domain.schemas import (
    ALIASES,
    CONSENTS,
    DETECTIONS,
    EXCLUDED,
    EXCLUSIONS,
    FACTS,
    INDEX,
    ITEMS,
    LEAVE,
    LEDGER,
    LICENSES,
    MANIFEST,
    MET,
    OPT_OUTS,
    QUARANTINE,
    REPEATING,
    SIGNALED,
    SIGNALS,
    STANDING_SIGNALS,
    TALLIES,
    TALLIES_BY_OWNER,
)

ALL = {name: schema for name, schema in vars(schemas).items() if isinstance(schema, pa.Schema)}
NAMES = st.sampled_from(sorted(ALL))


def example(schema, rows=2):
    """Rows without a null."""
    return pa.table([one_of(field.type, rows) for field in schema], names=schema.names)


def one_of(kind, rows):
    if pa.types.is_list(kind):
        return pa.array([one_of(kind.value_type, 1).to_pylist()] * rows, kind)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return pa.array(["x"] * rows, kind)
    return pa.array([True if pa.types.is_boolean(kind) else 1] * rows, kind)


def encoded(table):
    """The table with every text a dictionary, in lists too."""
    columns = []
    for column in table.columns:
        array = column.combine_chunks()
        if pa.types.is_list(array.type) and pa.types.is_string(array.type.value_type):
            array = pa.ListArray.from_arrays(array.offsets, array.values.dictionary_encode())
        columns.append(array.dictionary_encode() if pa.types.is_string(array.type) else array)
    return pa.table(columns, names=table.column_names)


def test_what_a_row_without_identity_would_be_cannot_be_held():
    for schema in (MANIFEST, LICENSES, DETECTIONS, INDEX, ITEMS, EXCLUDED):
        assert not schema.field("source").nullable
        assert not schema.field("item_id").nullable
    for schema, names in (
        (MANIFEST, ("license", "media_type")),
        (LICENSES, ("license", "visibility")),
        (OPT_OUTS, ("kind", "key", "purposes", "state", "received_on", "effective_on")),
        (CONSENTS, ("kind", "key", "given_by", "says", "purposes", "received_on", "effective_on")),
        (DETECTIONS, ("person_present",)),
        (FACTS, [name for name in FACTS.names if name not in ("owner", "upload_year")]),
        (ITEMS, ("license", "license_then", "license_now")),
        (EXCLUDED, ("first_reason", "reasons")),
        (TALLIES, ("verdict", "items", "owners")),
    ):
        assert [name for name in names if schema.field(name).nullable] == []


def test_an_item_is_a_manifest_row_and_both_licenses():
    assert ITEMS.names == [*MANIFEST.names, "license_then", "license_now"]
    assert all(ITEMS.field(name).equals(MANIFEST.field(name)) for name in MANIFEST.names)


def test_facts_and_tallies_hold_no_id():
    for schema in (FACTS, TALLIES, EXCLUSIONS):
        assert not {"item_id", "owner_id", "owner_name", "source"} & set(schema.names)


def test_nothing_that_unlocks_an_original_has_a_column():
    assert not [name for schema in ALL.values() for name in schema.names if "secret" in name]


def test_names_of_columns_are_unique_and_repeating_ones_exist():
    paths = set()
    for schema in ALL.values():
        assert len(set(schema.names)) == len(schema.names)
        paths |= {f"{f.name}.list.element" if pa.types.is_list(f.type) else f.name for f in schema}
    assert paths >= REPEATING
    assert {"source", "owner_id", "owner_name", "license", "tags.list.element"} <= REPEATING
    assert not {"item_id", "title", "page_url", "home"} & REPEATING


def test_every_schema_is_among_those_tested():
    expected = (
        MANIFEST,
        QUARANTINE,
        LICENSES,
        LEDGER,
        OPT_OUTS,
        CONSENTS,
        ALIASES,
        LEAVE,
        MET,
        SIGNALS,
        STANDING_SIGNALS,
        SIGNALED,
        DETECTIONS,
        INDEX,
        FACTS,
        ITEMS,
        EXCLUDED,
        TALLIES,
        EXCLUSIONS,
        TALLIES_BY_OWNER,
    )
    assert len(ALL) == len(expected)


@given(NAMES, st.data())
def test_columns_come_out_in_the_schema_s_order_and_others_not_at_all(name, data):
    schema = ALL[name]
    rows = example(schema).append_column("another", [[1, 2]])
    shuffled = rows.select(data.draw(st.permutations(rows.column_names)))
    assert conform(shuffled, schema).equals(rows.select(schema.names))


@given(NAMES)
def test_a_dictionary_is_taken_for_what_it_holds(name):
    schema = ALL[name]
    rows = encoded(example(schema))
    assert conform(rows, schema).equals(rows)
    assert conform(schema.empty_table(), schema).num_columns == len(schema)


@given(NAMES, st.data())
def test_a_missing_or_misspelled_column_is_refused(name, data):
    schema = ALL[name]
    column = data.draw(st.sampled_from(schema.names))
    rows = example(schema)
    for bad in (
        rows.drop_columns([column]),
        rows.rename_columns([column.upper() if each == column else each for each in rows.column_names]),
    ):
        with pytest.raises(IntegrityError, match=f"column '{column}' is missing among "):
            conform(bad, schema)


@given(NAMES, st.data())
def test_a_column_of_another_type_is_refused(name, data):
    schema = ALL[name]
    field = data.draw(st.sampled_from(list(schema)))
    place = schema.get_field_index(field.name)
    other = data.draw(
        st.sampled_from(
            [pa.string(), pa.int64(), pa.int32(), pa.float32(), pa.list_(pa.int8()), pa.timestamp("us")]
        )
    )
    if other == field.type:
        return
    for kind in (other, pa.dictionary(pa.int32(), pa.binary() if field.type != pa.binary() else pa.string())):
        rows = example(schema).set_column(place, field.name, pa.nulls(2, kind))
        with pytest.raises(IntegrityError, match=f"column '{field.name}' is .*, not "):
            conform(rows, schema)


@given(NAMES, st.data())
def test_a_null_is_refused_where_none_may_be(name, data):
    schema = ALL[name]
    field = data.draw(st.sampled_from(list(schema)))
    rows = example(schema).set_column(schema.get_field_index(field.name), field.name, pa.nulls(2, field.type))
    if field.nullable:
        assert conform(rows, schema).equals(rows)
    else:
        with pytest.raises(IntegrityError, match=f"column '{field.name}' has 2 nulls"):
            conform(rows, schema)
        with pytest.raises(IntegrityError, match=f"column '{field.name}' has 2 nulls"):
            conform(encoded(rows), schema)


def test_a_null_in_a_dictionary_is_refused_too():
    hidden = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["x", None]))
    with pytest.raises(IntegrityError, match="column 'item_id' has 1 nulls"):
        conform(example(INDEX).set_column(1, "item_id", hidden), INDEX)
    tags = pa.array([["x", None]], pa.list_(pa.string()))
    with pytest.raises(IntegrityError, match="column 'tags'"):
        conform(example(MANIFEST, 1).set_column(MANIFEST.get_field_index("tags"), "tags", tags), MANIFEST)
