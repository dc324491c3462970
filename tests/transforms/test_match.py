"""What targets meet in a bucket: held to the oracle, a row at a time, and narrow in what it reads."""

import oracle
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    CONTENT_KEYS,
    FLICKR_ITEMS,
    FLICKR_PAGES,
    HOST_KEYS,
    IMAGES,
    NSID,
    PAGES,
    TAG_KEYS,
    URL_KEYS,
    in_chunks,
    manifest_row,
    manifest_table,
    manifests,
    shapes,
    worlds,
)

from transforms.domain.conformity import conform
from transforms.domain.schemas import MANIFEST, MET
from transforms.match import FLICKRS, KINDS, OWNER_KINDS, columns_for, match

FEWER = settings(max_examples=40)
KEYS = {
    "url": URL_KEYS,
    "host": HOST_KEYS,
    "content": CONTENT_KEYS,
    "tag": (*TAG_KEYS, "nocv"),
    "alias": ("ann", "a"),
    "name": ("ann", "zoë"),
    "item": (*FLICKR_ITEMS, "7"),
    "owner": (NSID, "70@N00"),
}
some_targets = st.sets(
    st.sampled_from([(kind, key) for kind, keys in KEYS.items() for key in keys]), max_size=6
)


def table_of(targets):
    return pa.table({name: [each[place] for each in targets] for place, name in enumerate(("kind", "key"))},
                    schema=pa.schema([MET.field("kind"), MET.field("key")]))  # fmt: skip


def expected(rows, targets):
    """Each (kind, key, row, source, owner) that is met."""
    met = set()
    for place, row in enumerate(rows):
        for means in oracle.named(row, []).values():
            for kind, source, key in means:
                if (kind, key) in targets and kind in KINDS:
                    owner = row["owner_id"] if kind in OWNER_KINDS else None
                    met.add((kind, key, None if owner is not None else place, source, owner))
        for means in oracle.shown(row).values():
            met |= {(kind, key, place, "flickr", None) for kind, _, key in means if (kind, key) in targets}
    return met


@given(worlds().flatmap(lambda world: manifests(world, max_size=8, unique=True)), some_targets, shapes())
def test_what_is_met_is_what_the_oracle_says(rows, targets, shape):
    met = match(manifest_table(rows, shape), table_of(targets))
    assert conform(met, MET).column_names == met.column_names
    found = [tuple(row.values()) for row in met.to_pylist()]
    assert len(found) == len(set(found))
    assert set(found) == expected(rows, targets)


@FEWER
@given(
    worlds().flatmap(lambda world: manifests(world, max_size=8, unique=True)),
    st.permutations(sorted((kind, keys[0]) for kind, keys in KEYS.items())),
    st.lists(st.integers(0, 8), max_size=2),
)
def test_neither_the_order_of_targets_nor_chunks_matter(rows, targets, ends):
    manifest = manifest_table(rows)
    met = match(manifest, table_of(sorted(targets)))
    assert match(in_chunks(manifest, ends), table_of(targets)).equals(met)


@pytest.mark.parametrize("kind", [*KINDS, *FLICKRS])
def test_only_the_columns_of_a_kind_are_read(kind):
    rows = [
        manifest_row("commons", "1", "a", [("page_url", page), ("image_url", image), ("owner_name", "Ann")])
        for page, image in [*zip(PAGES, IMAGES, strict=True), (FLICKR_PAGES[0], None)]
    ]
    manifest = manifest_table(rows)
    targets = table_of([(kind, key) for key in KEYS[kind]])
    narrow = manifest.select(columns_for([kind]))
    assert len(narrow.column_names) < len(MANIFEST)
    assert match(narrow, targets).equals(match(manifest, targets))


def test_a_host_covers_those_below_it_and_no_other():
    pages = [
        "https://a.b.example.org/",
        "https://example.org/1",
        "https://badexample.org/",
        "//Example.ORG:80/x",
    ]
    rows = [manifest_row("flickr", str(n), None, [("page_url", page)]) for n, page in enumerate(pages)]
    met = match(manifest_table(rows), table_of([("host", "example.org"), ("host", "b.example.org")]))
    assert [(row["key"], row["row"]) for row in met.to_pylist()] == [
        ("b.example.org", 0),
        ("example.org", 0),
        ("example.org", 1),
        ("example.org", 3),
    ]
