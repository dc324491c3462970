from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from drifts import drift

from pipelines.drift import percent
from pipelines.pictures import page

# What makes a browser fetch or run something.
_FETCHES = {"src", "srcset", "data", "poster", "action", "background", "ping", "href", "xlink:href"}
_RUNS = {
    "script",
    "iframe",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "img",
    "image",
    "use",
    "foreignobject",
}


class Reader(HTMLParser):
    """What a browser would see of a page: tags, attributes and texts; fails where tags are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


@pytest.fixture(scope="module")
def text() -> str:
    return page.html(drift(), "yfcc<100>&m", "sha256:ab")


def test_the_page_needs_nothing_else(text: str) -> None:
    read = Reader(text)
    assert not {tag.lower() for tag in read.tags} & _RUNS
    for name, value in read.attributes:
        assert name not in _FETCHES
        assert not name.startswith("on")
        assert not re.search(r"url\((?!#)|javascript:", value)
        assert name.startswith("xmlns") or "//" not in value
    assert not re.search(r"@import|url\((?!#)", text)


def test_no_two_figures_share_an_id(text: str) -> None:
    ids = [value for name, value in Reader(text).attributes if name == "id"]
    assert ids
    assert len(set(ids)) == len(ids)
    assert {value for _, value in re.findall(r"(url)\(#(.*?)\)", text)} == set(ids)
    assert page.html(drift(), "yfcc<100>&m", "sha256:ab") == text


def test_the_page_says_what_was_compared(text: str) -> None:
    said = Reader(text).texts
    for words in ("License drift of yfcc<100>&m", "From 2025-06-01 to 2026-11-01, as known now", "1,221,672"):
        assert words in said
    assert "17,324 (1.42 %)" in said
    assert any("sha256:ab" in words for words in said)
    assert "12,345" in said


def test_each_mark_says_under_the_mouse_what_it_is(text: str) -> None:
    told = re.findall(r"<title>(.*?)</title>", text)
    assert "CC-BY-2.0 to all-rights-reserved, withdrawn: 12,345 items of 1,763 owners" in told
    assert "2026-03, withdrawn: 12,345 items of 2 owners" in told
    assert len(told) >= 1 + 6 + 8


def test_where_nothing_changed_the_page_says_so() -> None:
    made = drift({("CC-BY-2.0", "CC-BY-2.0"): 12})
    assert "No license changed between the two days." in Reader(page.html(made, "d", "l")).texts
    assert page.png(made, "d").startswith(b"\x89PNG")


def test_licenses_that_are_summed_are_counted() -> None:
    pairs = {(f"CC-BY-{version}-{place}", "CC0-1.0"): 9 for version in ("2.0", "2.5", "3.0") for place in
             ("AT", "AU", "BR", "CH", "CL", "DE", "ES", "FR", "IT", "NL", "PL")}  # fmt: skip
    said = Reader(page.html(drift(pairs), "d", "l")).texts
    assert any("Other: 9 licenses that changed less." in words for words in said)


def test_shares_do_not_read_as_nothing() -> None:
    shares = (0, 1e-9, 0.0001, 0.021734, 1)
    assert [percent(share) for share in shares] == ["0.00 %", "< 0.01 %", "0.01 %", "2.17 %", "100.00 %"]
