"""Lists of signals: evidence of every form, and what its sources said."""

from __future__ import annotations

import datetime
import json
import random
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.realinputs import SHARED, shared

from transforms.domain.errors import InputError
from transforms.domain.purposes import bits_of
from transforms.domain.schemas import SIGNALS
from transforms.formats.readings import BODY_BYTES
from transforms.formats.signals import Document, read_signals
from transforms.formats.sitefiles import OBJECTS, SITE_FILES

DAY = datetime.date(2026, 11, 20)
TRAINING = bits_of(["generative-training", "discriminative-training"])
GENERATIVE = bits_of(["generative-training"])
PAGE = "https://example.org/a.jpg"
ROBOTS = "https://example.org/robots.txt"
NO_TRAINING = "User-Agent: *\nContent-Usage: train-ai=n\n"


def objects(*told: Any, place: str = "c.jsonl") -> Document:
    return Document(place, OBJECTS, "", "".join(json.dumps(each) + "\n" for each in told).encode())


def read(*documents: Document, agent: str = "byleave") -> pa.Table:
    return read_signals(documents, source="flickr", agent=agent, observed_on=DAY)[0]


def counts(*documents: Document) -> dict[str, int]:
    return read_signals(documents, source="flickr", agent="byleave", observed_on=DAY)[1]


def said(table: pa.Table) -> dict[tuple[str, str, str], tuple[int, int, str]]:
    """What each mechanism says of each subject; all of it must be of one rule."""
    rows = table.to_pylist()
    found = {
        (row["kind"], row["key"], row["mechanism"]): (row["no"], row["yes"], row["fact"]) for row in rows
    }
    assert len(found) == len(rows)
    return found


def test_a_sites_document_speaks_for_its_host() -> None:
    found = said(read(objects({"url": ROBOTS, "status": 200, "body": NO_TRAINING})))
    assert found == {
        ("host", "example.org", "content-usage-robots"): (GENERATIVE, 0, "ok"),
        ("host", "example.org", "content-signal"): (0, 0, "ok"),
    }


def test_who_answered_is_told_by_scheme_and_port() -> None:
    other = "http://Example.org:8080/robots.txt"
    told = [
        {"url": ROBOTS, "status": 200, "body": NO_TRAINING, "fetched_at": "2026-11-20T04:00:00Z"},
        {"url": other, "status": 404, "fetched_at": "2026-11-20T04:00:01Z"},
    ]
    rows = read(objects(*told)).to_pylist()
    no = {
        (row["key"], row["authority"]): row["no"]
        for row in rows
        if row["mechanism"] == "content-usage-robots"
    }
    assert no == {
        ("example.org", "https://example.org"): GENERATIVE,
        ("example.org", "http://example.org:8080"): 0,
    }


def test_headers_speak_for_their_url() -> None:
    headers = [["x-robots-tag", "noai"], ["TDM-Reservation", "0"], ["Content-Usage", "train-ai=y"]]
    found = said(read(objects({"url": PAGE, "status": 200, "headers": headers})))
    assert found["url", "example.org/a.jpg", "x-robots-tag"] == (TRAINING, 0, "ok")
    assert found["url", "example.org/a.jpg", "content-usage-header"] == (0, GENERATIVE, "ok")
    assert found["url", "example.org/a.jpg", "tdmrep-header"][1]


def test_headers_of_the_front_page_say_no_for_the_host_and_yes_for_nobody() -> None:
    headers = [["X-Robots-Tag", "noai"], ["tdm-reservation", "0"], ["Content-Usage", "train-ai=y"]]
    for address in ("https://Example.org", "https://example.org/"):
        found = said(read(objects({"url": address, "status": 200, "headers": headers})))
        assert {key: value[1] for key, value in found.items()} == dict.fromkeys(found, 0)
        assert found["host", "example.org", "x-robots-tag"][0] == TRAINING


@pytest.mark.parametrize(
    ("status", "fact"), [(404, "ok"), (410, "ok"), (503, "unavailable"), (None, "unavailable")]
)
def test_an_answer_that_nothing_is_there_and_no_answer(status: int | None, fact: str) -> None:
    for address, mechanisms in ((ROBOTS, 2), (PAGE, 3), ("https://example.org/ai.txt", 1)):
        found = said(read(objects({"url": address, "status": status})))
        assert list(found.values()) == [(0, 0, fact)] * mechanisms


def test_a_document_that_makes_no_sense_is_a_fact_about_the_site() -> None:
    told = {"url": "https://example.org/.well-known/tdmrep.json", "status": 200, "body": "<html>"}
    found = said(read(objects(told)))
    assert found == {("host", "example.org", "tdmrep-file"): (0, 0, "unreadable")}
    assert counts(objects(told))["unreadable"] == 1


def test_a_policy_that_was_captured_permits() -> None:
    offer = "https://example.org/policy.json"
    captured = {"url": offer, "status": 200, "body": '{"permission": [{"action": "tdm:mine"}]}'}
    page = {"url": PAGE, "status": 200, "headers": [["tdm-reservation", "1"], ["tdm-policy", offer]]}
    key = ("url", "example.org/a.jpg", "tdmrep-header")
    assert said(read(objects(page)))[key][0]
    assert not said(read(objects(page), objects(captured, place="d.jsonl")))[key][0]


def test_a_registry() -> None:
    answer = {"urls": [{"url": PAGE, "optOut": True}, {"url": "https://example.org/b.jpg", "optOut": False}]}
    missing = "https://example.org/c.jpg"
    whole = {"registry": "r", "asked": [PAGE, missing], "answer": answer}
    assert said(read(objects(whole))) == {
        ("url", "example.org/a.jpg", "registry"): (TRAINING, 0, "ok"),
        ("url", "example.org/b.jpg", "registry"): (0, 0, "ok"),
        ("url", "example.org/c.jpg", "registry"): (0, 0, "unavailable"),
    }
    assert said(read(objects(answer))).keys() == {
        ("url", "example.org/a.jpg", "registry"),
        ("url", "example.org/b.jpg", "registry"),
    }
    down = read(objects({"answer": {"error": "overloaded"}}))
    assert said(down) == {("url", "", "registry"): (0, 0, "unavailable")}
    assert counts(objects({"answer": None}))["urls"] == 0


def test_credentials() -> None:
    entries = {"cawg.ai_generative_training": {"use": "notAllowed"}}
    manifest = {"assertions": [{"label": "cawg.training-mining", "data": {"entries": entries}}]}
    table = read(
        objects(
            {"item_id": "1", "manifest": manifest},
            {"item_id": "2", "source": "other", "manifest": None},
            {"item_id": "3", "manifest": None, "error": "no claim"},
            {"url": PAGE, "manifest": None, "status": 500},
        )
    )
    assert said(table) == {
        ("item", "1", "c2pa"): (GENERATIVE, 0, "ok"),
        ("item", "2", "c2pa"): (0, 0, "ok"),
        ("item", "3", "c2pa"): (0, 0, "unreadable"),
        ("url", "example.org/a.jpg", "c2pa"): (0, 0, "unavailable"),
    }
    sources = dict(zip(table["key"].to_pylist(), table["source"].to_pylist(), strict=True))
    assert sources == {"1": "flickr", "2": "other", "3": "flickr", "example.org/a.jpg": None}


def test_who_is_not_addressed_is_not_meant() -> None:
    told = objects({"url": PAGE, "status": 200, "headers": [["X-Robots-Tag", "ourbot: noai"]]})
    key = ("url", "example.org/a.jpg", "x-robots-tag")
    assert said(read(told, agent="ourbot"))[key][0] == TRAINING
    assert said(read(told, agent="byleave"))[key][0] == 0


def test_the_day_is_when_it_was_got() -> None:
    told = {"url": ROBOTS, "status": 404, "fetched_at": "2026-11-19T23:30:00-01:00"}
    assert set(read(objects(told))["observed_on"].to_pylist()) == {DAY}
    told["fetched_at"] = "2026-11-19"
    assert set(read(objects(told))["observed_on"].to_pylist()) == {datetime.date(2026, 11, 19)}
    told["fetched_at"] = "2026-11-21T00:00:00Z"
    with pytest.raises(
        InputError, match=r"^c\.jsonl, line 1: fetched_at: 2026-11-21 is later than 2026-11-20"
    ):
        read(objects(told))


def test_of_one_day_the_last_answer_counts_and_no_answer_is_no_news() -> None:
    def capture(hour: int | None, status: int | None, body: str | None = None) -> dict[str, Any]:
        at = {} if hour is None else {"fetched_at": f"2026-11-20T{hour:02}:00:00Z"}
        return {"url": ROBOTS, "status": status, "body": body, **at}

    key = ("host", "example.org", "content-usage-robots")
    says_no, silent = capture(8, 200, NO_TRAINING), capture(9, 404)
    assert said(read(objects(says_no, silent, capture(10, None))))[key] == (0, 0, "ok")
    assert said(read(objects(capture(10, 200, NO_TRAINING), silent)))[key] == (GENERATIVE, 0, "ok")
    nos = read(objects(capture(None, 200, NO_TRAINING), silent)).filter(pa.compute.field("no") > 0)
    assert len(nos) == 1  # it is not told which came last: both count


def test_a_site_folder_says_what_captures_of_it_say() -> None:
    """Whatever the order of files and lines, and however the evidence was kept."""
    files = {
        "robots.txt": NO_TRAINING,
        "ai.txt": "User-Agent: *\nDisallow: *.jpg\n",
        "tdmrep.json": '[{"location": "/img/*", "tdm-reservation": 1}]',
        "headers.txt": "HTTP/2 200\n\nX-Robots-Tag: noai\nx-robots-tag: noindex\r\n",
    }
    paths = {"tdmrep.json": "/.well-known/tdmrep.json", "headers.txt": "/"}
    captures = [
        {"url": f"https://example.org{paths.get(name, '/' + name)}", "status": 200, "body": text}
        for name, text in files.items()
        if name != "headers.txt"
    ]
    headers = [["X-Robots-Tag", "noai"], ["x-robots-tag", "noindex"]]
    captures.append({"url": "https://example.org/", "status": 200, "headers": headers})
    folder = [Document(name, name, "Example.ORG", text.encode()) for name, text in files.items()]
    assert sorted(files) == sorted(SITE_FILES)
    one = read(*folder)
    for seed in range(3):
        rng = random.Random(seed)
        rng.shuffle(captures)
        rng.shuffle(folder)
        assert read(*folder).equals(one)
        assert read(*map(objects, captures), *folder).equals(one)
        assert read(objects(*captures)).equals(one)
    assert one.schema == SIGNALS


def test_a_long_document_is_read_as_far_as_it_must_be_and_that_is_said() -> None:
    lines = "User-Agent: *\n" + "Disallow: /x\n" * (BODY_BYTES // 13) + "Content-Usage: train-ai=n\n"
    told = objects({"url": ROBOTS, "status": 200, "body": lines})
    assert counts(told)["cut"] == 1
    assert said(read(told))["host", "example.org", "content-usage-robots"] == (0, 0, "ok")
    early = "User-Agent: *\nContent-Usage: train-ai=n\n" + "Disallow: /x\n" * (BODY_BYTES // 13)
    found = said(read(objects({"url": ROBOTS, "status": 200, "body": early})))
    assert found["host", "example.org", "content-usage-robots"] == (GENERATIVE, 0, "ok")
    found = said(read(objects({"url": ROBOTS, "status": 200, "body": early.replace("\n", "\r")})))
    assert found["host", "example.org", "content-usage-robots"] == (GENERATIVE, 0, "ok")


def test_a_long_document_without_an_end_of_line_is_not_one_that_says_nothing() -> None:
    found = said(read(objects({"url": ROBOTS, "status": 200, "body": "<html>" + "x" * BODY_BYTES})))
    assert found["host", "example.org", "content-usage-robots"] == (0, 0, "unreadable")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (Document("f", OBJECTS, "", b'{"url": "x", "status": 200}\n'), "^f, line 1: 'x' is no URL"),
        (Document("f", OBJECTS, "", b'{"answer": null}\n\n{"a": }\n'), "^f, line 3: no JSON"),
        (Document("f", OBJECTS, "", b'{"answer": null}\n{"answer": 1, "answer": 2}\n'), "line 2: .*twice"),
        (Document("f", OBJECTS, "", b"<html>"), "^f: cannot be read as JSON"),
        (
            Document("f", OBJECTS, "", b'{"url": "http://[", "status": 200}'),
            "^f, line 1: url: .* names no host",
        ),
        (
            Document("f", OBJECTS, "", b'{"url": "http://a.b/ai.txt", "status": 200}'),
            "line 1: body: is missing",
        ),
        (Document("d/ai.txt", "ai.txt", "site-example", b""), "^d/ai.txt: lies in a folder 'site-example'"),
        (
            Document("d/headers.txt", "headers.txt", "a.org", b"a: b\nnoai\n"),
            "^d/headers.txt, line 2: 'noai' is",
        ),
    ],
)
def test_a_fault_names_its_place(document: Document, fault: str) -> None:
    with pytest.raises(InputError, match=fault) as raised:
        read(document)
    assert "\n" not in str(raised.value)


def test_all_faults_of_a_file_are_told_at_once() -> None:
    bad = [{"url": PAGE}] * 30 + [{"url": ROBOTS, "status": 200}]
    with pytest.raises(InputError) as raised:
        read(objects(*bad))
    assert len(str(raised.value).splitlines()) == 21
    assert str(raised.value).endswith("and 10 more")


_WORDS = st.sampled_from(
    ["noai", "train-ai=n", "y", "User-Agent: *", "Content-Usage:", ",", "1", "\n", "{", "*"]
)
_TEXTS = st.lists(_WORDS | st.text(st.characters(exclude_categories=()), max_size=4), max_size=6).map(
    " ".join
)
_PATHS = st.sampled_from(["", "/", "/robots.txt", "/ai.txt", "/.well-known/tdmrep.json", "/a?b", "/\udce4"])
_HEADERS = st.tuples(
    st.sampled_from(["X-Robots-Tag", "tdm-reservation", "Content-Usage", "tdm-policy"]), _TEXTS
)
_CAPTURES = st.fixed_dictionaries(
    {
        "url": st.builds("{}{}".format, st.sampled_from(["http://a.org", "https://xn--a:99"]), _PATHS),
        "status": st.sampled_from([200, 404, 503, None]),
        "headers": st.lists(_HEADERS.map(list), max_size=3),
        "body": _TEXTS,
    }
)


@given(st.lists(_CAPTURES, min_size=1, max_size=4))
def test_whatever_sites_write_is_read(captures: list[dict[str, Any]]) -> None:
    table = read(objects(*captures))
    assert len(table)
    table.validate(full=True)
    got = any(each["status"] == 200 for each in captures)
    assert got or not any(table["no"].to_pylist() + table["yes"].to_pylist())


def test_the_page_shows_objects_that_are_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    section = page.partition("## Evidence of signals")[2].partition("\n## ")[0]
    blocks = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    told = [json.loads(line) for block in blocks for line in block.splitlines()]
    assert len(told) == 6
    assert counts(objects(*told))["rows"] > len(told)


@shared
def test_a_real_site() -> None:
    site = SHARED / "opt-out-signals" / "site-example"
    table = read(*(Document(name, name, "example.org", (site / name).read_bytes()) for name in SITE_FILES))
    no = {row["mechanism"]: row["no"] for row in table.to_pylist() if row["path"] == "/" and row["no"]}
    reserved = bits_of(["commercial", "computer-vision"])
    assert no == {
        "ai-txt": TRAINING,
        "tdmrep-file": reserved,
        "tdmrep-header": reserved,
        "x-robots-tag": TRAINING,
    }
    assert set(table["fact"].to_pylist()) == {"ok"}
    assert not any(table["yes"].to_pylist())
