"""What a piece of evidence says, by the rules of the mechanisms that it can speak through.

Of a capture the URL decides: `/robots.txt`, `/ai.txt` and `/.well-known/tdmrep.json` speak for their host. Of
any other URL the headers are read, and speak for the URL; those of the front page `/` speak for the whole host
where they say no, and for nobody where they say yes.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from transforms.formats.evidence import (
    NOTHING_THERE,
    UNAVAILABLE,
    Capture,
    Credential,
    Evidence,
    Fault,
    RegistryAnswer,
)
from transforms.formats.sitefiles import WELL_KNOWN
from transforms.signals import ai_txt, c2pa, content_usage, registry, robots, tdmrep, x_robots_tag
from transforms.signals.rules import ANYTHING, Rule, Subject, host, item, silent, unavailable, url

BODY_BYTES = 500 << 10
"""How much of a document is read: as much as has to be of a robots.txt (RFC 9309, 2.5)."""

_HEADERS = ("x-robots-tag", "content-usage-header", "tdmrep-header")
_THROUGH = MappingProxyType(
    {
        "robots.txt": ("content-usage-robots", "content-signal"),
        "ai.txt": ("ai-txt",),
        "tdmrep.json": ("tdmrep-file",),
    }
)


@dataclass(frozen=True)
class Reader:
    """Reads evidence on behalf of somebody.

    Attributes:
        source: the platform of items that name none.
        agent: the name by which sources address us.
        observed_on: the day of evidence that does not tell its own, and the last that any may tell.
    """

    source: str
    agent: str
    observed_on: datetime.date

    def rules(self, evidence: Evidence) -> list[Rule]:
        """What it says: at least one rule, for that it says nothing is an answer too.

        Raises:
            Fault: it is of a later day, or a document without its text.
        """
        if isinstance(evidence, Capture):
            return self._of_capture(evidence)
        if isinstance(evidence, RegistryAnswer):
            return self._of_registry(evidence)
        return self._of_credential(evidence)

    def day(self, evidence: Evidence) -> datetime.date:
        """When it was got."""
        day = evidence.fetched_at.date() if evidence.fetched_at else self.observed_on
        if day > self.observed_on:
            raise Fault(f"fetched_at: {day} is later than {self.observed_on}, the day of the list")
        return day

    def _of_capture(self, capture: Capture) -> list[Rule]:
        parts = urlsplit(capture.url)
        document = WELL_KNOWN.get(parts.path) if not parts.query else None
        of_site = document is not None or (parts.path in ("", "/") and not parts.query)
        try:
            subject = host(capture.url) if of_site else url(capture.url)
        except ValueError:
            raise Fault(f"url: {capture.url[:80]!a} names no host") from None
        mechanisms = _THROUGH[document] if document else _HEADERS
        if (rules := self._without_answer(capture, subject, mechanisms)) is not None:
            return rules
        if document is None:
            rules = self._of_headers(capture, subject)
            return [dataclasses.replace(rule, yes=0) for rule in rules] if of_site else rules
        if capture.body is None:
            raise Fault("body: is missing, and without it nothing can be read")
        return self._of_document(document, capture, subject)

    def _without_answer(
        self, evidence: Capture | Credential, subject: Subject, mechanisms: Iterable[str]
    ) -> list[Rule] | None:
        """The rules where nothing was got, or nothing is there; None where there is something to read."""
        day, status = self.day(evidence), evidence.status
        if evidence.state == UNAVAILABLE:
            why = "no answer" if status is None else f"status {status}"
            return [unavailable(subject, each, day, why) for each in mechanisms]
        if evidence.state == NOTHING_THERE:
            return [silent(subject, each, day, f"status {status}") for each in mechanisms]
        return None
