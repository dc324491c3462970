"""A real site's documents: all that it says, it says to everyone, about all that it has."""

from __future__ import annotations

from answers import DAY, answer, signaled
from support.realinputs import SHARED, shared

from transforms.signals.ai_txt import read_ai_txt
from transforms.signals.headers import fields_of, read_headers
from transforms.signals.robots_txt import read_robots_txt
from transforms.signals.rules import host
from transforms.signals.tdmrep import read_tdm_file

SITE = SHARED / "opt-out-signals" / "site-example"
IMAGE = "https://art.example/gallery/1.jpg"


@shared
def test_each_document_says_what_it_was_written_to_say() -> None:
    subject = host("art.example")
    headers = read_headers(fields_of((SITE / "headers.txt").read_bytes()), subject, "ourbot", DAY)
    documents = {
        "headers.txt": headers,
        "ai.txt": read_ai_txt((SITE / "ai.txt").read_bytes(), subject, "ourbot", DAY),
        "tdmrep.json": read_tdm_file((SITE / "tdmrep.json").read_bytes(), subject, DAY),
        "robots.txt": read_robots_txt((SITE / "robots.txt").read_bytes(), subject, "GPTBot", DAY),
    }
    assert all(rule.fact == "ok" for rules in documents.values() for rule in rules)
    answers = {
        name: [
            answer(signaled(rules, IMAGE), purpose)
            for purpose in ("generative-training", "commercial", "search")
        ]
        for name, rules in documents.items()
    }
    assert answers == {
        "headers.txt": ["no", "no", "unknown"],
        "ai.txt": ["no", "unknown", "unknown"],
        "tdmrep.json": ["no", "no", "unknown"],
        "robots.txt": ["unknown"] * 3,  # it keeps agents from fetching, and says nothing about use
    }
