"""Registries that are asked about URLs, as Spawning's is: `{"urls": [{"url": ..., "optOut": ...}]}`.

`true` is a no to training. `false` only says that nobody opted out there: it is no yes.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from transforms.signals.documents import Unreadable, json_of
from transforms.signals.rules import ANYTHING, Rule, Subject, unavailable, urls
from transforms.signals.vocabulary import TRAINING

MECHANISM = "registry"


def read_registry(
    content: bytes | str | None,
    observed_on: datetime.date,
    *,
    asked: Sequence[str] = (),
    registry: str = "spawning",
) -> list[Rule]:
    """What a registry answered.

    Of a URL without an answer, the registry was `unavailable`: so its last answer stands. If nothing can be
    understood and it is not known what was asked, that is so of everything it was ever asked.

    Args:
        content: its answer; None: there was none.
        observed_on: the day.
        asked: the URLs that it was asked about.
        registry: its name; answers of several stand beside each other.

    Returns:
        At least one rule.
    """
    try:
        answers, why = _answers(content), "no answer"
    except Unreadable as error:
        answers, why = [], str(error)
    rules, known = [], set()
    subjects = _subjects([address for address, _ in answers])
    for subject, (_, opted_out) in zip(subjects, answers, strict=True):
        if isinstance(opted_out, bool):
            known.add(subject)
            evidence = f"{registry}: optOut {str(opted_out).lower()}"
            rules.append(Rule(subject, MECHANISM, observed_on, TRAINING * opted_out, evidence=evidence))
    unanswered = {*_subjects(asked), *subjects} - known
    missed = sorted(unanswered, key=lambda subject: subject.key) or ([] if rules else [ANYTHING])
    rules += [unavailable(each, MECHANISM, observed_on, f"{registry}: {why}") for each in missed]
    return [replace(rule, vocabulary=registry) for rule in rules]


def _subjects(addresses: Sequence[str]) -> list[Subject]:
    """What is asked about: it is the registry that answers, and not whose address it is."""
    return [replace(subject, authority=None) for subject in urls(addresses)]


def _answers(content: bytes | str | None) -> list[tuple[str, object]]:
    """Each URL of an answer, and what is said of it."""
    if content is None:
        raise Unreadable("did not answer")
    found = json_of(content)
    answers = found.get("urls") if isinstance(found, dict) else None
    if not isinstance(answers, list):
        raise Unreadable("no list `urls` in the answer")
    good = [
        each
        for each in answers
        if isinstance(each, dict) and isinstance(each.get("url"), str) and each["url"].strip()
    ]
    if answers and not good:
        raise Unreadable("no URL in the answer")
    return [(each["url"], each.get("optOut")) for each in good]
