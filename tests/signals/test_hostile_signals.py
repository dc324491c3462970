"""Whatever strangers write: no reader raises, none says yes to what it does not know, none takes long."""

from __future__ import annotations

import json

import pytest
from answers import DAY, rows_of
from hypothesis import given
from hypothesis import strategies as st

from transforms.signals.adjudicate import adjudicate, standing_signals
from transforms.signals.ai_txt import read_ai_txt
from transforms.signals.c2pa import read_c2pa
from transforms.signals.documents import Unreadable
from transforms.signals.headers import fields_of, read_headers
from transforms.signals.registry import read_registry
from transforms.signals.robots_txt import read_robots_txt
from transforms.signals.rules import Rule, host, item, table_of, url
from transforms.signals.tdmrep import read_tdm_file

HOST, IMAGE = host("h.example"), url("https://h.example/img/a.jpg")

# Pieces that are nearly something, and hardly ever are it. No piece is a whole yes.
_WORDS = """
    User-agent:* user-agent ourbot Content-Usage: Content-Signal: train-ai= ai-train= y; yes! tdm-reservation
    : 0x * / $ % %zz , ; " { } [ ] noai X-Robots-Tag: unavailable_after: = ?1 @99999999999999999 entries
    "use":"allowed urls é # Disallow: Allow: location
"""
_MARKS = "\n\r\x00\x0b\x85\u2028\ufeff\ud800"
_PIECES = st.sampled_from([*_WORDS.split(), *_MARKS])
_TEXTS = st.lists(_PIECES | st.text(st.characters(exclude_characters="y0"), max_size=5), max_size=25).map(
    "".join
)


def read(text: str | bytes) -> list[Rule]:
    """What every reader makes of a document."""
    try:
        fields = fields_of(text)
    except Unreadable:
        fields = []
    value = text if isinstance(text, str) else text.decode("latin-1")
    fields += [(name, value) for name in ("X-Robots-Tag", "Content-Usage", "tdm-reservation")]
    return [
        *read_headers(fields, IMAGE, "ourbot", DAY),
        *read_robots_txt(text, HOST, "ourbot", DAY),
        *read_ai_txt(text, HOST, "ourbot", DAY),
        *read_tdm_file(text, HOST, DAY),
        *read_c2pa(text, item("flickr", "7"), DAY),
        *read_registry(text, DAY),
    ]


def come_to(rules: list[Rule]) -> list[dict]:
    rows = rows_of(("7", "https://h.example/", "https://h.example/img/a.jpg"))
    return adjudicate(rows, standing_signals(table_of(rules), DAY)).to_pylist()


@given(
    _TEXTS
    | _TEXTS.map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=40).map(lambda some: some.replace(b"0", b""))
)
def test_no_garbage_raises_or_says_yes(text: str | bytes) -> None:
    rules = read(text)
    assert not any(rule.yes for rule in rules)
    assert not any(row["yes"] for row in come_to(rules))


_KEYS = """
    location tdm-policy manifests active_manifest assertions assertion_store label data entries
    cawg.ai_training use urls url optOut validation_status
"""
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2)
    | st.floats()
    | st.sampled_from(["/", "*", "\ud800", "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS.split()), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_VALUES)
def test_no_json_raises_or_says_yes(value: object) -> None:
    text = json.dumps(value)
    rules = [
        *read_tdm_file(text, HOST, DAY),
        *read_c2pa(text, item("flickr", "7"), DAY),
        *read_registry(text, DAY, asked=["https://h.example/img/a.jpg", "\ud800", ""]),
    ]
    assert not any(rule.yes for rule in rules)
    come_to(rules)


_MANY = range(10_000)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "," * 1_000_000,
        "X-Robots-Tag: " + "a:" * 500_000,
        "User-agent: *\nContent-Usage: " + "a=y," * 250_000,
        "User-agent: *\nContent-Usage: /" + "*" * 1_000_000 + " train-ai=n",
        "User-agent: *\n" + "".join(f"Content-Usage: /{'a' * (n % 90)}{n} train-ai=n\n" for n in _MANY),
        "User-agent: *\n" + "".join(f"Content-Usage: /*{n}$ train-ai=y\n" for n in _MANY),
        "User-agent: *\n" + "".join(f"Disallow: /*{n}*a\n" for n in _MANY),
        "".join(f"User-agent: a{n}\n" for n in _MANY) + "Content-Signal: ai-train=no\n" * 10_000,
        json.dumps([{"location": f"/{n}*", "tdm-reservation": 0} for n in _MANY]),
        json.dumps([{"location": f"/{n}", "tdm-reservation": n % 2} for n in range(1_500)]).replace(
            ": 0", ": 2"
        ),
        "[" * 100_000,
        '{"entries":' * 900 + "1" + "}" * 900,
        '[{"location": ' + "[" * 960 + "]" * 960 + "}]",
        "[" + "9" * 5_000 + "]",
    ],
    ids=lambda text: text[:24],
)
def test_much_of_it_is_read_and_says_no_yes(text: str) -> None:
    assert not any(row["yes"] for row in come_to(read(text)))
