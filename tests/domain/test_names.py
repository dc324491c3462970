"""Names and tags: one text for each spelling of one, and another for each other."""

import re
import unicodedata

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.names import TAGS_THAT_SAY_NO, normalize_names, normalize_tags

LETTERS = "aBÉéßﬁ\uff21\u0301\u200b Ж山\u3392\tİΣς'*"


def nfkc_casefold(name):
    """The normal form that Unicode describes, word by word (section 3.13, D146), and no format characters."""
    text = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    for form in ("NFD", "NFKD"):
        text = unicodedata.normalize(form, text).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split()) or None


@given(st.lists(st.none() | st.text(LETTERS, max_size=8) | st.text(max_size=8)), st.integers(0, 2))
def test_names_are_normalized_row_for_row_once_and_for_all(names, skipped):
    column = pa.array(names, pa.string())[skipped:]
    once = normalize_names(column)
    assert once.to_pylist() == [None if name is None else nfkc_casefold(name) for name in names[skipped:]]
    assert normalize_names(once).equals(once)
    assert normalize_names(column.dictionary_encode()).equals(once)


def test_the_spellings_of_a_name():
    same = [
        "José Strauß",
        " josé  STRAUSS",
        "JOSE\u0301\tstrauß",
        "jo\u200bsé strau\u00ad\u00df",
        "José Strauß".upper(),
    ]
    assert len(set(normalize_names(pa.array(same)).to_pylist())) == 1
    other = ["jose strauss", "josé-strauss", "joséstrauss", "josé straus", "josé stra\u03c5ss"]
    assert len({*normalize_names(pa.array(other + same[:1])).to_pylist()}) == 6


def plain_tag(tag):
    return re.sub("[ _-]", "", unicodedata.normalize("NFKD", tag).lower())


@given(st.lists(st.none() | st.text("aB_- cv\u00c9", max_size=8)), st.integers(0, 2))
def test_tags_are_normalized_row_for_row_once_and_for_all(tags, skipped):
    once = normalize_tags(pa.array(tags, pa.string())[skipped:])
    assert once.to_pylist() == [None if tag is None else plain_tag(tag) for tag in tags[skipped:]]
    assert normalize_tags(once).equals(once)


def test_the_tag_that_says_no_in_its_spellings():
    said = ["no_cv", "no cv", "nocv", "NO_CV", "No-CV", "no__cv"]
    other = ["nocvs", "piano_cv", "no", "cv", "no.cv", ""]
    plain = normalize_tags(pa.array(said + other)).to_pylist()
    assert [tag in TAGS_THAT_SAY_NO for tag in plain] == [True] * len(said) + [False] * len(other)
