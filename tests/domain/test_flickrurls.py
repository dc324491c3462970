"""Flickr's addresses: ours beside the Flickr Foundation's flickr-url-parser, as far as it asks nobody."""

import itertools
import re
from urllib.parse import unquote

import pyarrow as pa
import pytest
from flickr_url_parser import NotAFlickrUrl, UnrecognisedUrl, parse_flickr_url

from transforms.domain.targets import items_of, nsids_of, parse_targets

# Not `gp` and not the short links of albums and people: for those the reference asks Flickr.
PARTS = (
    ["https://", ""],
    ["www.flickr.com", "flickr.com", "Flickr.com", "www.flickr.com:443", "live.flickr.com"],
    ["/photos/", "/people/", "/groups/"],
    ["bees", "Bees_2-b", "123@N00", "123%40N00", "tags", "me", "12345678", "a.b", "b\u00e9"],
    [
        "",
        "/456",
        "/0456",
        "/12345678901234567890",
        "/albums",
        "/sets",
        "/albums/721",
        "/galleries/721",
        "/page2",
        "/4a",
    ],
    ["", "/", "/in/photostream/", "?a=b", "/#c", "/page3", "/with/1", "//"],
)
CODES = ["2p4QbKN", "2", "1", "12", "21", "0", "zzzzzzzzzz", "zzzzzzzzzzz"]
URLS = [
    *map("".join, itertools.product(*PARTS)),
    *map("".join, itertools.product(["https://", ""], ["flic.kr/p/"], CODES, ["", "/", "?a=b"])),
]


def by_reference(url):
    """What the reference makes of it, in our words; None where it names no single item or owner."""
    try:
        found = parse_flickr_url(url)
    except (NotAFlickrUrl, UnrecognisedUrl):
        return None
    if found["type"] == "single_photo":
        return "item", found["photo_id"]
    if found["type"] == "user":
        who = unquote(found["user_url"].removeprefix("https://www.flickr.com/photos/"))
        return ("owner", who) if "@" in who else ("alias", who.lower())
    return None


def why_ours_differs(url, theirs):
    """Why ours does not name what the reference does; None where it must."""
    kind, key = theirs
    if kind == "item" and not re.fullmatch("[1-9][0-9]{0,18}", key):
        return "an id has no leading zeros, and fits 64 bits"
    if kind == "item" and re.search("flic.kr/p/1", url):
        return "1 is the digit zero, and no code begins with it"
    if kind == "item" and re.search("/photos/tags/", url):
        return "the number is a tag"
    if kind == "item" and re.search("/photos/[^/]*[^A-Za-z0-9@%._/-]", url):
        return "no owner is written so, and the id is not all that is written"
    if kind == "alias" and key in ("tags", "me"):
        return "a page of Flickr's own, not a person"
    if kind == "alias" and not re.fullmatch("[a-z0-9_-]+", key):
        return "aliases have no such letters"
    return None


def test_what_the_reference_understands_we_understand_the_same():
    same = 0
    for url, ours in zip(URLS, parse_targets(pa.array(URLS)).to_pylist(), strict=True):
        theirs = by_reference(url)
        if theirs is not None and why_ours_differs(url, theirs) is None:
            assert (ours["kind"], ours["key"]) == theirs, url
            same += 1
        elif theirs is not None:
            assert ours["kind"] is None, url
        elif ours["kind"] is not None:
            assert why_only_ours(url, ours["kind"]), (url, ours)
    assert same > 1000


def why_only_ours(url, kind):
    """Why ours names something where the reference names nothing."""
    if kind in ("alias", "owner") and "/people/" in url:
        return "all pages below a profile are of one person"
    if kind in ("alias", "owner") and re.search(r"/photos/[^/]+/sets/?(?:[?#].*)?$", url):
        return "as `albums`, its older name"
    if re.search(":443|^Flickr", url):
        return "a host with its port, or in capitals without a scheme, is the same host"
    if re.search(r"(?<!:)//|/[?#]", url):
        return "an empty part of a path says nothing"
    return None


@pytest.mark.parametrize(
    ("url", "kind", "key"),
    [
        # From the tests of the reference, what can be told offline.
        ("https://www.flickr.com/photos/coast_guard/32812033543", "item", "32812033543"),
        ("http://www.flickr.com/photos/coast_guard/32812033543", "item", "32812033543"),
        (
            "https://flickr.com/photos/coast_guard/32812033543/in/photolist-RZufqg-ebEcP7",
            "item",
            "32812033543",
        ),
        ("https://www.flickr.com/photos/42364075@N05/12345/#comment72157", "item", "12345"),
        ("https://flic.kr/p/2p4QbKN", "item", "53208249252"),
        ("http://www.flickr.com/photos/blueminds/", "alias", "blueminds"),
        ("https://www.flickr.com/people/blueminds/", "alias", "blueminds"),
        ("https://www.flickr.com/photos/blueminds/albums", "alias", "blueminds"),
        ("https://www.flickr.com/photos/belindavick/page3", "alias", "belindavick"),
        ("https://www.flickr.com/people/42364075@N05", "owner", "42364075@N05"),
        # What the reference does not know.
        ("https://live.staticflickr.com/65535/53381630964_63d765ee92_s.jpg", "item", "53381630964"),
        ("https://farm9.static.flickr.com/8600/53381630964_63d765ee92.jpg", "item", "53381630964"),
        ("https://m.flickr.com/photos/coast_guard/32812033543", "item", "32812033543"),
        ("https://www.flickr.com/photo.gne?id=32812033543", "item", "32812033543"),
    ],
)
def test_known_addresses(url, kind, key):
    assert parse_targets(pa.array([url])).to_pylist() == [{"kind": kind, "key": key}]


def test_an_address_is_of_the_item_that_it_would_name():
    urls = [*URLS, None, "", "101", "https://example.org/photos/a/101", " <https://flic.kr/p/2K>"]
    named = parse_targets(pa.array(urls)).to_pylist()
    expected = [
        each["key"] if each["kind"] == "item" and url != "101" else None
        for url, each in zip(urls, named, strict=True)
    ]
    assert items_of(pa.array(urls)).to_pylist() == expected
    assert expected[-1] == "101"
    assert items_of(pa.array([None, "x"], pa.string())).to_pylist() == [None, None]


def test_a_page_lies_below_an_nsid_in_any_spelling_of_it():
    below = [
        "//WWW.flickr.com:80/photos/12%40n01/7",
        "https://m.flickr.com/people/12@N01",
        "flickr.com/photos/12@N01?x",
        "https://34@N05:pw@flickr.com/photos/12@N01/7",
    ]
    others = [
        None,
        "12@N01",
        "https://flickr.com/photos/12@N012/7",
        "https://evil.org/flickr.com/photos/12@N01/",
        "https://evil.org/@flickr.com/photos/12@N01/",
        "https://evil.org?@flickr.com/photos/12@N01/",
        "https://flickr.com@evil.org/photos/12@N01/",
    ]
    assert nsids_of(pa.array([*below, *others])).to_pylist() == ["12@N01"] * len(below) + [None] * len(others)
