"""docs/signals.md says what each signal is a no and a yes to: its examples are handed to their readers."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence

import pytest
from pages import Row, read, table

from transforms.domain.purposes import names_of
from transforms.signals.ai_txt import read_ai_txt
from transforms.signals.c2pa import read_c2pa
from transforms.signals.headers import fields_of, read_headers
from transforms.signals.registry import read_registry
from transforms.signals.robots_txt import read_robots_txt
from transforms.signals.rules import FACTS, Rule, host, url
from transforms.signals.tdmrep import read_tdm_file
from transforms.signals.vocabulary import AIPREF, CONTENT_SIGNALS, ROBOTS_HEADER, TRAINING_MINING

PAGE = read("docs/signals.md")
HOST, URL, DAY = host("h.example"), url("https://h.example/a.jpg"), datetime.date(2026, 11, 1)


def rows(heading: str) -> list[tuple[str, Row]]:
    return [(heading, row) for row in table(PAGE, heading)]


EXAMPLES = [
    *rows("Header fields"),
    *rows("Content-Usage"),
    *rows("Content-Signal"),
    *rows("Lines of robots.txt and ai.txt"),
    *rows("tdmrep.json"),
    *rows("C2PA manifests"),
    *rows("Registries"),
]


def example(row: Row) -> str:
    return next(cell for name, cell in row.items() if name not in ("file", "no to", "yes to", "read by"))


def rules_of(heading: str, row: Row) -> Sequence[Rule]:
    text, everyone = example(row), "User-agent: *\n"
    match heading:
        case "Header fields":
            return read_headers(fields_of(text), URL, "agent", DAY)
        case "Content-Usage":
            header = read_headers([("Content-Usage", text)], URL, "agent", DAY)
            line = read_robots_txt(f"{everyone}Content-Usage: {text}", HOST, "agent", DAY)
            assert [said(header), vocabulary(header)] == [said(line), vocabulary(line)]
            return header
        case "Content-Signal":
            return read_robots_txt(f"{everyone}Content-Signal: {text}", HOST, "agent", DAY)
        case "tdmrep.json":
            return read_tdm_file(f"[{text}]", HOST, DAY)
        case "C2PA manifests":
            label = f"{json.loads(f'{{{text}}}').popitem()[0].partition('.')[0]}.training-mining"
            return read_c2pa(f'{{"label": "{label}", "data": {{"entries": {{{text}}}}}}}', URL, DAY)
        case "Registries":
            return read_registry(f'{{"urls": [{text}]}}', DAY)
    reader = {"robots.txt": read_robots_txt, "ai.txt": read_ai_txt}[row["file"]]
    return reader(everyone + text, HOST, "agent", DAY)


def said(rules: Sequence[Rule]) -> tuple[list[str], list[str]]:
    no = yes = 0
    for rule in rules:
        no, yes = no | rule.no, yes | rule.yes
    return names_of(no), names_of(yes)


def vocabulary(rules: Sequence[Rule]) -> set[str]:
    return {rule.vocabulary for rule in rules if rule.vocabulary}


def stated(cell: str) -> list[str]:
    return [purpose.strip() for purpose in cell.split(",")] if cell else []


@pytest.mark.parametrize(
    ("heading", "row"), EXAMPLES, ids=lambda each: example(each) if isinstance(each, dict) else each
)
def test_a_signal_says_what_the_page_says(heading: str, row: Row) -> None:
    rules = rules_of(heading, row)
    assert said(rules) == (stated(row["no to"]), stated(row["yes to"]))
    if "read by" in row:
        assert vocabulary(rules) == {*stated(row["read by"])}


def test_every_word_has_an_example() -> None:
    examples = " ".join(example(row) for _, row in EXAMPLES)
    labels = {label for draft in AIPREF for label in draft.uses}
    for word in [*ROBOTS_HEADER, *CONTENT_SIGNALS, *TRAINING_MINING, *labels]:
        assert word in examples, word


def test_the_facts() -> None:
    assert tuple(row["fact"] for row in table(PAGE, "What is not understood")) == FACTS
