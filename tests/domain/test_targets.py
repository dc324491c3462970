"""Targets: whatever is written in a known way is found again, and nothing else is taken for it."""

import csv
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.spellings import SPACE, spelled

from transforms.domain.targets import normalize_urls, parse_targets, why_not

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))

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
    "https://www.flickr.com/photos/tags/2015",
    "https://www.flickr.com/photos/tags/2015/",
    "https://www.flickr.com/photos/12345678@N00/sets/721570",
    "https://www.flickr.com/photos/12345678@N00/*",
    "https://www.flickr.com/photos/12345678@N00/0123",
    "https://www.flickr.com/photos/somebody/123*",
    "https://www.flickr.com:444/photos/somebody/123",
    "https://www.flickr.com@example.com/photos/somebody/123",
    "https://live.staticflickr.com/65535/abc_def.jpg",
    "https://live.staticflickr.com/65535/*",
    "https://flic.kr/p/0OIl",
    "https://flic.kr/p/1",
    "https://flic.kr/p/zzzzzzzzzzz",
    "https://flic.kr/s/abc",
    "https://example.com/*.jpg",
    "https://example.com/a b",
    "https://example.com/a please",
    "https://example.com/a<b",
    "https://www.fl%69ckr.com/photos/tags/2015",
    "https://example.com/a\u200bb",
    "https://*.example.com/a",
    "https://localhost/a",
    "https://user:pass@example.com/a",
    "https:///a",
    "example.com/a",
    "photo.jpg",
    "john.smith",
    "com",
    "host:com",
    "localhost",
    "https://localhost/",
    "1.2.3",
    "1.2.3.256",
    ".example.com",
    "*.example.com",
    "example..com",
    "user@example.com",
    "alias:",
    "alias:a b",
    "alias:12345678@N00",
    "name:",
    "name: \u200b",
    "md5:" + "a" * 31,
    "md5:" + "a" * 64,
    "a" * 33,
    "sha256:" + "a" * 32,
    "https://www.flickr.com/photos/tags/",
    "https://www.flickr.com/photos/me/",
    "https://www.flickr.com/photos/somebody/albums/72157",
    "https://www.flickr.com/photos/somebody/favorites",
    "https://www.flickr.com/photos/somebody/galleries/72157",
    "https://www.flickr.com/groups/somebody",
    "https://www.flickr.com/somebody",
    "https://www.flickr.com/search/?text=a",
    "https://www.flickr.com/gp/somebody/nSN80jZ64E",
    "https://flic.kr/ps/ZVcni",
    "https://www.flickr.com/photos/a/1 https://www.flickr.com/photos/b/2",
    "https://www.flickr.com/photos/a/1, 2",
    "https://www.flickr.com/photos/a\nhttps://www.flickr.com/photos/b",
    "https://flickr.com.evil/photos/a/1 b",
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
    path=st.sampled_from(
        [
            *((path, path) for path in ("a", "A/b.JPG", "?p=1", "a?b&c", "~joe/$1", "a%20b")),
            *(("caf\u00e9", "caf%C3%A9"), ("%7Ejoe/x", "~joe/x"), ("a%2fb", "a%2Fb")),
        ]
    ),
    behind=st.sampled_from(["", "/", "#top", "//#x"]),
)
def test_other_urls_are_kept_as_normalized(scheme, host, path, behind):
    written, path = path
    url = f"{scheme}{host}/{written}{behind}"
    table = parse_targets(pa.array([url]))
    assert table.to_pylist() == [{"kind": "url", "key": normalize_urls(pa.array([url]))[0].as_py()}]
    assert table["key"].to_pylist() == [f"{host.lower()}/{path}"]


def test_what_leads_elsewhere_is_explained():
    for url in (
        "https://flic.kr/s/aHsjybZ5ZD",
        "http://flic.kr/ps/ZVcni",
        "www.flickr.com/gp/someone/M195SLkj98",
    ):
        assert "the address that it leads to" in why_not(url, "a target")
    assert "its photos one by one" in why_not("https://www.flickr.com/photos/somebody/sets/1", "a tag")
    assert why_not("somebody", "an owner id") == "is not an owner id"


def test_no_rows_and_nulls_only():
    assert parse_targets(pa.array([], pa.string())).num_rows == 0
    assert parse_targets(pa.array([None], pa.string())).to_pylist() == [{"kind": None, "key": None}]


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
