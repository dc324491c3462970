"""Nights that take in what may say no besides opt-outs: while it cannot be read, nothing is published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from handmade import fill
from nights import Place
from test_what_sources_say import ITEMS, SAYS_NO, kept
from worlds import new_store

from pipelines.store.store import close_stores

CONFIG = """
store = "store"
[inbox.opt-outs]
folder = "inbox/opt-outs"
[inbox.aliases]
folder = "inbox/aliases"
[inbox.consents]
folder = "inbox/consents"
[inbox.signals]
folder = "inbox/signals"
[inbox.detections]
folder = "inbox/detections"
format = "csv"
[[release]]
name = "training"
policy = "generative-training"
"""
KINDS = ("opt-outs", "aliases", "consents", "signals", "detections")
CAPTURES = "".join(json.dumps(each) + "\n" for each in SAYS_NO).encode()
GOOD = {
    "opt-outs": ("2026-11-10.txt", b"https://example.net/gone\n"),
    "aliases": ("2026-11-10.csv", b"source,key,owner_id\nmuseum,somebody,c\n"),
    "consents": ("2026-11-10.csv", b"item_id,given_by,says,purposes\n1,owner,refuse,generative-training\n"),
    "signals": ("2026-11-10.jsonl", CAPTURES),
    "detections": ("2026-11-10.csv", b"source,item_id,person_present\nmuseum,4,true\n"),
}
BAD = {
    "aliases": b"source,kee,owner_id\nmuseum,somebody,c\n",
    "consents": b"item_id,given_by,says,purposes\n1,owner,maybe,search\n",
    "signals": b'{"url": "https://example.org/robots.txt", "statsu": 200}\n',
    "detections": b"nothing\n",
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    fill(new_store(tmp_path / "store", 2), tmp_path, ITEMS)
    place = Place(tmp_path)
    place.config.write_text(CONFIG)
    for kind in KINDS:
        (place.inbox / kind).mkdir(parents=True)
    yield place
    close_stores()


def test_a_night_takes_in_every_kind_and_another_finds_nothing_new(place: Place) -> None:
    for kind, (name, data) in GOOD.items():
        place.put(kind, name, data)
    summary = place.night()
    assert summary.exit_code == 0, list(summary.lines())
    assert [each.kind for each in summary.taken_in] == list(KINDS)
    (outcome,) = summary.outcomes
    assert outcome.release is not None
    assert kept(place.store, outcome.release) == {"2", "4"}
    files = place.listing()
    assert place.night().nothing_changed
    assert place.listing() == files


def test_what_may_say_no_and_cannot_be_read_holds_up_what_is_published(place: Place) -> None:
    place.put("opt-outs", *GOOD["opt-outs"])
    bad = {kind: place.put(kind, GOOD[kind][0], data) for kind, data in BAD.items()}
    summary = place.night()
    assert summary.exit_code == 7
    assert {left.kind for left in summary.left} == set(BAD)
    assert [outcome.state for outcome in summary.outcomes] == ["stopped"]
    assert len(summary.problems) == len(BAD)
    for file in bad.values():
        assert any(str(problem).startswith(f"{file}: ") for problem in summary.problems)
    relaxed = CONFIG
    for kind in BAD:
        folder = f'folder = "inbox/{kind}"\n'
        relaxed = relaxed.replace(folder, f'{folder}missing = "go on"\n')
    place.config.write_text(relaxed)
    assert [outcome.state for outcome in place.night().outcomes] == ["published"]
