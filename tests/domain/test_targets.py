"""Targets: whatever is written in a known way is found again, and nothing else is taken for it."""

import csv
import os
import re
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.targets import (
    KINDS,
    TAGS_THAT_SAY_NO,
    normalize_tags,
    normalize_urls,
    parse_targets,
    why_not,
)

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))

BASE58 = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"

ITEM_IDS = st.integers(1, 10**19 - 1).map(str)
SECRETS = st.text("0123456789abcdef", min_size=1, max_size=10)
NSIDS = st.builds("{}@N{:02}".format, st.integers(1, 10**9), st.integers(0, 99))
ALIASES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=9).filter(
    lambda alias: alias != "tags"
)
SCHEMES = st.sampled_from(["http://", "https://", "HTTPS://", "//", ""])
HOSTS = st.sampled_from(["www.flickr.com", "flickr.com", "m.flickr.com", "WWW.Flickr.com"])
IMAGE_HOSTS = st.sampled_from(
    ["farm3.static.flickr.com", "farm66.staticflickr.com", "live.staticflickr.com", "c1.staticflickr.com"]
)
BEHIND = st.sampled_from(["", "/", "/in/photostream/", "/sizes/l", "?size=b", "#comments", "/?x=1#y"])
SPACE = st.sampled_from(["", " ", "\t", "\r\n", "\u00a0"])


def base58(number):
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = BASE58[digit] + digits
    return digits


@st.composite
def spelled(draw):
    """A target as written, and what it names."""
    way = draw(st.integers(0, 7))
    item, nsid, scheme = draw(ITEM_IDS), draw(NSIDS), draw(SCHEMES)
    at = draw(st.sampled_from([nsid, nsid.replace("@", "%40"), nsid.replace("@N", "%40n")]))
    site = scheme + draw(HOSTS)
    if way == 0:
        return item, ("item", item)
    if way == 1:
        return at, ("owner", nsid)
    if way == 2:
        who = draw(st.sampled_from([at, draw(ALIASES)]))
        place = draw(st.sampled_from(["photos", "videos"]))
        return f"{site}/{place}/{who}/{item}{draw(BEHIND)}", ("item", item)
    if way == 3:
        server = draw(st.sampled_from(["65535", "7/6543"]))
        size = draw(st.sampled_from(["", "_b", "_o_d"]))
        image = f"{scheme}{draw(IMAGE_HOSTS)}/{server}/{item}_{draw(SECRETS)}{size}.jpg"
        return image, ("item", item)
    if way == 4:
        number = draw(st.integers(1, 58**10 - 1))
        return f"{scheme}flic.kr/p/{base58(number)}{draw(st.sampled_from(['', '/']))}", ("item", str(number))
    if way == 5:
        return f"{site}/photos/{at}{draw(st.sampled_from(['', '/', '?a=b', '/#x']))}", ("owner", nsid)
    if way == 6:
        return f"{site}/people/{at}{draw(BEHIND)}", ("owner", nsid)
    tag = draw(st.text("aBc1_- \u00e9\u0416", min_size=1, max_size=8).filter(lambda tag: tag.strip(" _-")))
    return draw(st.sampled_from(["#", "tag:", "TAG:"])) + tag, ("tag", plain_tag(tag))


def plain_tag(tag):
    return re.sub("[ _-]", "", unicodedata.normalize("NFKD", tag).lower())


NOT_UNDERSTOOD = [
    "",
    " ",
    "0",
    "0123",
    "-1",
    "1.5",
    "1e9",
    "123 456",
    "123,456",
    "12345678901234567890",
    "\uff11\uff12\uff13",
    "\u0661\u0662\u0663",
    "123\u200b",
    "\u200b123",
    "\ufeff123",
    "1234\u202e5",
    "12345678@N0",
    "12345678@N000",
    "12345678\uff20N00",
    "@N00",
    "somebody",
    "foo*",
    "*",
    "#",
    "#_-",
    "#a*",
    "#a,b",
    "#a#b",
    "#a\u200bb",
    "tag:",
    "nocv",
    "flickr.com",
    "https://www.flickr.com/",
    "https://www.flickr.com/photos/somebody/",
    "https://www.flickr.com/people/somebody/",
    "https://www.flickr.com/photos/tags/2015",
    "https://www.flickr.com/photos/tags/2015/",
    "https://www.flickr.com/photos/12345678@N00/sets/721570",
    "https://www.flickr.com/photos/12345678@N00/*",
    "https://www.flickr.com/photos/12345678@N00/0123",
    "https://www.flickr.com/photos/somebody/123*",
    "https://www.flickr.com:444/photos/somebody/123",
    "https://www.flickr.com./photos/somebody/123",
    "https://www.flickr.com@example.com/photos/somebody/123",
    "https://live.staticflickr.com/65535/abc_def.jpg",
    "https://live.staticflickr.com/65535/*",
    "https://flic.kr/p/0OIl",
    "https://flic.kr/p/1",
    "https://flic.kr/p/zzzzzzzzzzz",
    "https://flic.kr/s/abc",
    "https://example.com",
    "https://example.com/",
    "https://example.com//#x",
    "https://example.com/*.jpg",
    "https://example.com/a b",
    "https://example.com/a\u200bb",
    "https://*.example.com/a",
    "https://localhost/a",
    "https://user:pass@example.com/a",
    "https:///a",
    "example.com/a",
    "ftp://example.com/a",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "1\r2",
]
JUNK_OR_TARGETS = spelled() | st.sampled_from([None, *NOT_UNDERSTOOD]).map(lambda text: (text, (None, None)))


@given(st.lists(st.tuples(JUNK_OR_TARGETS, SPACE, SPACE)), st.integers(0, 2))
def test_targets_are_found_row_for_row_and_junk_is_not_understood(rows, skipped):
    written = [None if text is None else before + text + after for (text, _), before, after in rows]
    table = parse_targets(pa.array(written, pa.string())[skipped:])
    assert table.schema == pa.schema({"kind": pa.string(), "key": pa.string()})
    want = [named for (_, named), _, _ in rows[skipped:]]
    assert list(zip(table["kind"].to_pylist(), table["key"].to_pylist(), strict=True)) == want


def test_each_kind_of_junk_by_itself():
    # Hypothesis picks; this looks at every one of them.
    kinds = parse_targets(pa.array(NOT_UNDERSTOOD))["kind"].to_pylist()
    assert [text for text, kind in zip(NOT_UNDERSTOOD, kinds, strict=True) if kind] == []


@given(st.lists(spelled(), min_size=1))
def test_a_key_of_an_item_or_owner_names_itself(rows):
    keys = parse_targets(pa.array([text for text, _ in rows]))
    keys = keys.filter(pc.is_in(keys["kind"], pa.array(["item", "owner"])))
    assert parse_targets(keys["key"].combine_chunks()).equals(keys)


@given(
    scheme=st.sampled_from(["http://", "https://", "HTTP://"]),
    host=st.sampled_from(["example.com", "EXAMPLE.com", "a.b-c.example.org:8080", "93.184.216.34"]),
    path=st.sampled_from(["a", "A/b.JPG", "?p=1", "a?b&c", "caf\u00e9", "%7Ejoe/x", "~joe/$1"]),
    behind=st.sampled_from(["", "/", "#top", "//#x"]),
)
def test_other_urls_are_kept_as_normalized(scheme, host, path, behind):
    url = f"{scheme}{host}/{path}{behind}"
    table = parse_targets(pa.array([url]))
    assert table.to_pylist() == [{"kind": "url", "key": normalize_urls(pa.array([url]))[0].as_py()}]
    assert table["key"].to_pylist() == [f"{host.lower()}/{path}"]


def plain_url(url):
    if url is None:
        return None
    url = url.split("#")[0]
    url = re.sub("^((https?:)?//)+", "", url, flags=re.IGNORECASE).replace("%40", "@").rstrip("/")
    host, mark, rest = re.fullmatch(r"([^/?]*)([/?]?)(.*)", url, re.DOTALL).groups()
    return "".join(c.lower() if c.isascii() else c for c in host) + mark + rest


URLS = st.none() | st.builds(
    "{}{}{}".format,
    SCHEMES,
    st.sampled_from(["Example.COM", "a.b", "", "WWW.\u00c9.com"]),
    st.text("aA/#?%40@:\n\u00c9", max_size=8),
)


@given(st.lists(URLS), st.integers(0, 2))
def test_urls_are_normalized_row_for_row_once_and_for_all(urls, skipped):
    column = pa.array(urls, pa.string())[skipped:]
    once = normalize_urls(column)
    assert once.to_pylist() == [plain_url(url) for url in urls[skipped:]]
    assert normalize_urls(once).equals(once)


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


def test_an_alias_is_explained():
    expected = "is not an owner id"
    assert "NSID" in why_not("https://www.flickr.com/photos/somebody/", expected)
    assert "NSID" in why_not(" flickr.com/people/Some_body", expected)
    assert why_not("https://www.flickr.com/photos/somebody/sets/1", "a tag") == "is not a tag"


def test_no_rows_and_nulls_only():
    assert parse_targets(pa.array([], pa.string())).num_rows == 0
    assert parse_targets(pa.array([None], pa.string())).to_pylist() == [{"kind": None, "key": None}]
    assert set(KINDS) == {"item", "owner", "url", "tag"}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real inputs are not at {SHARED}")
class TestShared:
    def test_yfcc_pages_images_and_owners_name_what_their_row_says(self):
        with open(SHARED / "yfcc100m" / "yfcc100m_dataset-000.tsv", encoding="utf-8", newline="\n") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        for column, kind, key in ((13, "item", 0), (14, "item", 0), (1, "owner", 1)):
            table = parse_targets(pa.array([row[column] for row in rows]))
            assert table["kind"].to_pylist() == [kind] * len(rows)
            assert table["key"].to_pylist() == [row[key].replace("%40", "@") for row in rows]

    def test_openverse_pages_images_and_owners_name_what_their_row_says(self):
        with open(SHARED / "openverse" / "flickr_http.tsv", encoding="utf-8", newline="\n") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        for column in (1, 2, 3):
            table = parse_targets(pa.array([row[column] for row in rows]))
            assert table["kind"].to_pylist() == ["item"] * len(rows)
            assert table["key"].to_pylist() == [row[0] for row in rows]
        profiles = parse_targets(pa.array([row[10] for row in rows]))
        assert profiles["kind"].null_count == sum("@N" not in row[10] for row in rows)
