"""Evidence of signals: what an object is, and every object that is none."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.formats.evidence import (
    GOT,
    NOTHING_THERE,
    UNAVAILABLE,
    Capture,
    Credential,
    NotUnderstood,
    RegistryAnswer,
    evidence_of,
    state_of,
)

URL = "https://example.org/a.jpg"


def test_a_capture() -> None:
    told = {
        "url": URL,
        "status": 200,
        "headers": [["X-Robots-Tag", "noai"], ["X-Robots-Tag", "noindex"]],
        "body": "ü",
        "fetched_at": "2026-11-20T01:00:00+02:00",
    }
    at = datetime.datetime(2026, 11, 19, 23, tzinfo=datetime.UTC)
    headers = (("X-Robots-Tag", "noai"), ("X-Robots-Tag", "noindex"))
    assert evidence_of(told) == Capture(URL, 200, headers, "ü".encode(), at)
    assert evidence_of({"url": URL, "status": None}) == Capture(URL, None)


def test_a_registrys_answer() -> None:
    answer = {"urls": [{"url": URL, "optOut": True}, {"url": URL}]}
    assert evidence_of(answer) == RegistryAnswer(None, (), answer)
    whole = {"registry": "r", "asked": [URL], "answer": answer, "fetched_at": "2026-11-20"}
    at = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
    assert evidence_of(whole) == RegistryAnswer("r", (URL,), answer, at)
    for failed in (None, {"error": "overloaded"}):
        assert evidence_of({"answer": failed}) == RegistryAnswer(None, (), None)


def test_a_credential() -> None:
    assert evidence_of({"item_id": 7, "manifest": {"a": 1}}) == Credential("item", None, "7", 200, {"a": 1})
    told = {"item_id": "7", "source": "s", "manifest": None, "error": "e", "status": 503}
    assert evidence_of(told) == Credential("item", "s", "7", 503, None, "e")
    assert evidence_of({"url": URL, "manifest": None}) == Credential("url", None, URL, 200)


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, GOT), (204, GOT), (404, NOTHING_THERE), (410, NOTHING_THERE)]
    + [(status, UNAVAILABLE) for status in (None, 0, 301, 304, 401, 403, 429, 500, 503)],
)
def test_what_a_status_says(status: int | None, state: str) -> None:
    assert state_of(status) == state


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ([], "is no object"),
        ({}, "is neither a capture"),
        ({"utl": URL, "statsu": 200}, "neither a capture.*Did you mean 'url'"),
        ({"url": URL, "status": 200, "header": []}, "unknown member 'header'. Did you mean 'headers'"),
        ({"url": URL}, "has no member 'status'"),
        ({"url": "example.org/a.jpg", "status": 200}, "is no URL"),
        ({"url": "https://example.org/a b", "status": 200}, "is no URL"),
        ({"url": URL, "status": "200"}, "status: '200' is neither a number nor null"),
        ({"url": URL, "status": True}, "status: True is neither"),
        ({"url": URL, "status": 200, "headers": {"X-Robots-Tag": "noai"}}, "headers: .* is not as"),
        ({"url": URL, "status": 200, "headers": [["a"]]}, "headers: .* is not as"),
        ({"url": URL, "status": 200, "headers": "X: y"}, "headers: .* is not as"),
        ({"url": URL, "status": 200, "body": {}}, "body: {} is no text"),
        ({"url": URL, "status": 200, "fetched_at": "yesterday"}, "fetched_at: 'yesterday' is no time"),
        ({"url": URL, "status": 200, "fetched_at": 7}, "fetched_at: 7 is no time"),
        ({"urls": {}}, "urls: is no list"),
        ({"urls": [{"url": "*"}]}, "urls: is no list"),
        ({"urls": [7]}, "urls: is no list"),
        ({"answer": None, "askd": []}, "unknown member 'askd'. Did you mean 'asked'"),
        ({"answer": None, "asked": URL}, "asked: .* is no list"),
        ({"answer": None, "asked": [7]}, "7 is no URL"),
        ({"answer": 7}, "answer: 7 is neither an object nor null"),
        ({"answer": None, "registry": ""}, "registry: '' is no name"),
        ({"manifest": {}}, "has no member 'item_id'"),
        ({"item_id": "7"}, "has no member 'manifest'"),
        ({"item_id": "7", "url": URL, "manifest": {}}, "names an item and a URL"),
        ({"item_id": " ", "manifest": {}}, "item_id: ' ' is no id"),
        ({"item_id": True, "manifest": {}}, "item_id: True is no id"),
        ({"item_id": "7", "manifest": []}, r"manifest: \[\] is neither an object nor null"),
        ({"item_id": "7", "manifest": None, "error": 7}, "error: 7 is neither a text nor null"),
        ({"url": URL, "source": "s", "manifest": None}, "source: 's' is not the platform of an item"),
    ],
)
def test_a_fault(told: Any, fault: str) -> None:
    with pytest.raises(NotUnderstood, match=fault):
        evidence_of(told)


_MEMBERS = st.sampled_from(
    ["url", "status", "headers", "body", "urls", "answer", "asked", "manifest", "item_id", "error", "x"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(URL),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=4),
)


@given(_VALUES | st.dictionaries(_MEMBERS, _VALUES))
def test_whatever_a_line_holds_is_evidence_or_a_fault(told: Any) -> None:
    try:
        evidence_of(json.loads(json.dumps(told)))
    except NotUnderstood as fault:
        assert "\n" not in str(fault)
