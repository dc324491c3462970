"""Finding (source, id) pairs: whatever the ids look like, the same as a dictionary would find."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.lookup import Ids

# Numbers; what only looks like one (leading zero, sign, 19 digits and more); and what is none.
_IDS = st.one_of(
    st.integers(0, 30).map(str),
    st.integers(10**17, 10**18 + 3).map(str),
    st.sampled_from(["007", "7", "00", "0", "-7", "+7", " 7", "9999999999999999999", "12@N00", "é", ""]),
)
_PAIRS = pa.schema([("source", pa.string()), ("key", pa.string())])
_SOURCES = st.sampled_from(["flickr", "met"])


@given(st.data(), st.booleans())
def test_finds_what_a_dictionary_finds(data: st.DataObject, one_source: bool) -> None:
    sources = st.just("flickr") if one_source else _SOURCES
    pairs = st.lists(st.tuples(sources, _IDS), max_size=12)
    known, asked = data.draw(pairs), data.draw(pairs)
    found = ids(known).find(ids(asked))
    assert len(found) == len(asked)
    for pair, place in zip(asked, found.tolist(), strict=True):
        assert (place >= 0) == (pair in known)
        assert place < 0 or known[place] == pair


@given(st.lists(_IDS, max_size=8), st.lists(_IDS | st.none(), max_size=8))
def test_a_null_is_never_found(known: list[str], asked: list[str | None]) -> None:
    found = ids([("flickr", each) for each in known]).find(ids([("flickr", each) for each in asked]))
    assert [place >= 0 for place in found.tolist()] == [each is not None and each in known for each in asked]


def test_the_same_number_of_two_platforms_is_two_items() -> None:
    assert ids([("flickr", "7")]).find(ids([("met", "7")])).tolist() == [-1]


def ids(pairs: list[tuple[str, str | None]]) -> Ids:
    table = pa.table({"source": [s for s, _ in pairs], "key": [k for _, k in pairs]}, schema=_PAIRS)
    return Ids(table["source"], table["key"])
