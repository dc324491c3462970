"""Keys: the rule is written into every store, so its values are pinned and the vectorized form agrees."""

import numpy as np
import oracle
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import IDS

from transforms.domain.keys import bucket_of, hash_strings, home_hash, item_hash, text_order

# id, hash_strings, home_hash with that owner, item_hash with that item; the two latter with source flickr.
GOLDEN = [
    ("", 0x0, 0xFF19CFD565A4E6BC, 0x7BD982DB54C31FD5),
    ("7", 0x5A2EA17268EBDFF4, 0xCDA28178161078AF, 0x9DE0482ACF9DF007),
    ("1234567", 0xB8DE6B87270146C, 0x9E2AA06BEFF500A2, 0xB8D62E7F3107B43F),
    ("12345678", 0xBC2E86043608D5D3, 0xF5F76417070AD368, 0x7F55F730CE061B60),
    ("123456789", 0xACA786F74164972C, 0x69898CC112EB99F2, 0xA51B55420CAEC3BD),
    ("12345678@N00", 0x2E9BEAA547E75925, 0x2F701633253B6839, 0xD025B93719825D71),
    ("6985418911", 0x37AC7532D4980A13, 0x6663673E08D9259B, 0x857BAE294F1531BB),
    ("Łódź", 0xF3EE0B0947D74383, 0x77E8A346092D7CE1, 0x94A441F740BDF20A),
    ("相片", 0xFD52C723F30097BA, 0xB13852E84AB98ADF, 0x3B336ADCA9969D31),
    ("😀", 0x2E56479729308596, 0x8C7311962DC85638, 0x4A4BBDCD9AEAFFC8),
    ("x" * 40, 0xD41E0B3A6BB279EC, 0x60F49960CE80A2CE, 0x87BEC65321184CA),
    ("nul\0", 0x6D8B12559848CAA0, 0xFAF73E162BBD1E38, 0x7ADDAC3F5480D097),
    ("nul", 0xCAA70FA496D5622C, 0x55602155CFD43B40, 0x6CE42F4FE2826E0E),
]

LONG = st.builds(lambda length, tail: "x" * length + tail, st.integers(0, 17), st.text("ab\0é", max_size=9))
TEXTS = IDS | LONG | st.just("") | st.text(max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"source": st.sampled_from(("flickr", "commons", "é")), "owner_id": IDS | st.none(), "item_id": IDS}
    ),
    max_size=20,
)


def columns(rows):
    return [pa.array([row[name] for row in rows], pa.string()) for name in ("source", "owner_id", "item_id")]


@pytest.mark.parametrize(("text", "plain", "home", "item"), GOLDEN)
def test_hashes_are_those_that_stores_were_built_with(text, plain, home, item):
    one, flickr = pa.array([text]), pa.array(["flickr"])
    assert hash_strings(one).tolist() == [plain]
    assert home_hash(flickr, one, pa.array(["1"])).tolist() == [home]
    assert item_hash(flickr, one).tolist() == [item]
    assert home_hash(flickr, pa.nulls(1, pa.string()), one).tolist() == [item]


def test_buckets_are_those_that_stores_were_built_with():
    homes = np.array([home for _, _, home, _ in GOLDEN], np.uint64)
    expected = [700, 175, 162, 872, 498, 57, 411, 225, 735, 568, 718, 568, 832]
    assert bucket_of(homes, 1024).tolist() == expected
    assert bucket_of(homes, 1).tolist() == [0] * len(GOLDEN)
    assert bucket_of(homes, 1 << 16).dtype == np.int32


@given(st.lists(TEXTS, max_size=20))
def test_hash_is_the_rule_of_the_docstring(texts):
    assert hash_strings(pa.array(texts, pa.string())).tolist() == [oracle.hash_one(text) for text in texts]


@given(ROWS)
def test_home_is_the_owner_s_and_an_orphan_s_own(rows):
    source, owner_id, item_id = columns(rows)
    assert home_hash(source, owner_id, item_id).tolist() == [oracle.home(row) for row in rows]
    assert item_hash(source, item_id).tolist() == [oracle.item_hash(*oracle.pair(row)) for row in rows]


@given(ROWS, st.integers(0, 20), st.integers(0, 20))
def test_how_the_rows_lie_in_memory_does_not_matter(rows, start, stop):
    whole = columns(rows)
    homes, items = home_hash(*whole), item_hash(whole[0], whole[2])
    dictionaries = [column.dictionary_encode() for column in whole]
    assert home_hash(*dictionaries).tolist() == homes.tolist()
    for form in (whole, dictionaries):
        sliced = [column[start:stop] for column in form]
        assert home_hash(*sliced).tolist() == homes[start:stop].tolist()
        assert item_hash(sliced[0], sliced[2]).tolist() == items[start:stop].tolist()
        chunked = [pa.chunked_array([column[:start], column[start:]]) for column in form]
        assert home_hash(*chunked).tolist() == homes.tolist()
        assert item_hash(chunked[0], chunked[2]).tolist() == items.tolist()


@given(st.lists(TEXTS | st.none(), max_size=20), st.booleans())
def test_a_null_does_not_disturb_its_neighbors(texts, as_dictionary):
    column = pa.array(texts, pa.string())
    if as_dictionary:
        column = column.dictionary_encode()
    hashes = hash_strings(column).tolist()
    assert len(hashes) == len(texts)
    for text, found in zip(texts, hashes, strict=True):
        assert text is None or found == oracle.hash_one(text)


def test_a_null_may_also_sit_in_the_dictionary():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 2]), pa.array(["7", None, "70"]))
    source = pa.repeat("flickr", 4)
    homes = home_hash(source, column, pa.array(["1", "2", "3", "4"]))
    owners = ["7", None, "7", "70"]
    rows = [
        {"source": "flickr", "owner_id": owner, "item_id": item}
        for owner, item in zip(owners, "1234", strict=True)
    ]
    assert homes.tolist() == [oracle.home(row) for row in rows]


def test_nsids_fill_buckets_evenly():
    numbers = np.arange(100_000)
    nsids = pa.array([f"{12_000_000 + 37 * n}@N{n % 10:02}" for n in numbers.tolist()])
    expected = len(nsids) / 1024
    for hashes in (home_hash(pa.repeat("flickr", len(nsids)), nsids, nsids), hash_strings(nsids)):
        filled = np.bincount(bucket_of(hashes, 1024), minlength=1024)
        # Chi-square of 1,023 degrees of freedom: 1,023 on average, standard deviation 45.
        assert 850 < ((filled - expected) ** 2 / expected).sum() < 1200


@given(st.lists(LONG | TEXTS | st.text("a\0", max_size=18), max_size=25))
def test_text_order_is_the_order_of_bytes(texts):
    places = np.lexsort(text_order(pa.array(texts, pa.string())))
    assert [texts[place] for place in places] == sorted(texts, key=str.encode)


@given(st.lists(st.text("a\0", max_size=9), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_text_order_of_a_slice(texts, start, stop):
    part = pa.array(texts, pa.string())[start:stop]
    places = np.lexsort(text_order(part)) if len(part) else []
    assert [texts[start:stop][place] for place in places] == sorted(texts[start:stop], key=str.encode)


def test_a_null_is_in_order_as_an_empty_text_whatever_lies_under_it():
    texts = pa.array(["b", "zz", "", "a"])
    validity = pa.py_buffer(b"\x0d")
    column = pa.Array.from_buffers(pa.string(), 4, [validity, *texts.buffers()[1:]])
    assert column.to_pylist() == ["b", None, "", "a"]
    assert np.lexsort(text_order(column)).tolist() == [1, 2, 3, 0]
