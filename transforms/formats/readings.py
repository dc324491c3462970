"""What a piece of evidence says, by the rules of the mechanisms that it can speak through.

Of a capture the URL decides: `/robots.txt`, `/ai.txt` and `/.well-known/tdmrep.json` speak for their host. Of
any other URL the headers are read, and speak for the URL; those of the front page `/` speak for the whole
host where they say no, and for nobody where they say yes.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from transforms.formats.evidence import (
    GOT,
    NOTHING_THERE,
    UNAVAILABLE,
    Capture,
    Credential,
    Evidence,
    NotUnderstood,
    RegistryAnswer,
)
from transforms.formats.sitefiles import WELL_KNOWN
from transforms.signals import ai_txt, c2pa, content_usage, registry, robots_header, robots_txt, tdmrep
from transforms.signals.headers import read_headers
from transforms.signals.rules import Rule, Subject, host, item, silent, unavailable, unreadable, url, urls

BODY_BYTES = 500 << 10
"""How much of a document is read: as much as has to be of a robots.txt (RFC 9309, 2.5)."""

_HEADERS = (robots_header.MECHANISM, content_usage.MECHANISM, tdmrep.HEADER)
_THROUGH = MappingProxyType(
    {
        "robots.txt": (robots_txt.USAGE, robots_txt.SIGNAL),
        "ai.txt": (ai_txt.MECHANISM,),
        "tdmrep.json": (tdmrep.FILE,),
    }
)
_SPAWNING = "spawning"  # whose answers have this form


@dataclass(frozen=True)
class Reader:
    """Reads evidence on behalf of somebody.

    Attributes:
        source: the platform of items that name none.
        agent: the name by which sources address us.
        observed_on: the day of evidence that does not tell its own, and the last that any may tell.
        policies: texts of TDM policies, by URL.
        subjects: of URLs, as far as they are known: one by one they cost more than all the rest.
    """

    source: str
    agent: str
    observed_on: datetime.date
    policies: Mapping[str, bytes] = field(default_factory=dict)
    subjects: Mapping[str, Subject] = field(default_factory=dict)

    @staticmethod
    def of(evidence: Sequence[Evidence], source: str, agent: str, observed_on: datetime.date) -> Reader:
        """One for all of ``evidence``: captures of policies among it tell what they permit."""
        captured = [each for each in evidence if isinstance(each, Capture)]
        policies = {
            each.url: each.body
            for each in captured
            if each.body is not None and each.state == GOT and not _is_well_known(each.url)
        }
        addresses = list({each.url for each in captured})
        subjects = dict(zip(addresses, urls(addresses), strict=True))
        return Reader(source, agent, observed_on, policies, subjects)

    def rules(self, evidence: Evidence) -> list[Rule]:
        """What it says: at least one rule, for that it says nothing is an answer too.

        Raises:
            NotUnderstood: it is of a later day, or a document without its text.
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
            raise NotUnderstood(f"fetched_at: {day} is later than {self.observed_on}, the day of the list")
        return day

    def _of_capture(self, capture: Capture) -> list[Rule]:
        try:
            parts = urlsplit(capture.url)
            document = WELL_KNOWN.get(parts.path) if not parts.query else None
            of_site = document is not None or (parts.path in ("", "/") and not parts.query)
            subject = host(capture.url) if of_site else self._url(capture.url)
        except ValueError:
            raise NotUnderstood(f"url: {capture.url[:80]!a} names no host") from None
        mechanisms = _THROUGH[document] if document else _HEADERS
        if (rules := self._without_answer(capture, subject, mechanisms)) is not None:
            return rules
        if document is None:
            return read_headers(capture.headers, subject, self.agent, self.day(capture), self.policies)
        if capture.body is None:
            raise NotUnderstood("body: is missing, and without it nothing can be read")
        return self._of_document(document, _beginning(capture.body), subject, self.day(capture))

    def _url(self, address: str) -> Subject:
        return self.subjects.get(address) or url(address)

    def _of_document(self, document: str, text: bytes, subject: Subject, day: datetime.date) -> list[Rule]:
        match document:
            case "robots.txt":
                return robots_txt.read_robots_txt(text, subject, self.agent, day)
            case "ai.txt":
                return ai_txt.read_ai_txt(text, subject, self.agent, day)
            case _:
                return tdmrep.read_tdm_file(text, subject, day, self.policies)

    def _of_registry(self, answer: RegistryAnswer) -> list[Rule]:
        text = None if answer.answer is None else json.dumps(answer.answer)
        return registry.read_registry(
            text, self.day(answer), asked=answer.asked, registry=answer.registry or _SPAWNING
        )

    def _of_credential(self, credential: Credential) -> list[Rule]:
        key = credential.key
        subject = self._url(key) if credential.kind == "url" else item(credential.source or self.source, key)
        if (rules := self._without_answer(credential, subject, (c2pa.MECHANISM,))) is not None:
            return rules
        day = self.day(credential)
        if credential.error is not None:
            return [unreadable(subject, c2pa.MECHANISM, day, credential.error)]
        if credential.manifest is None:
            return [silent(subject, c2pa.MECHANISM, day, "no manifest")]
        return c2pa.read_c2pa(json.dumps(credential.manifest), subject, day)

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


def _is_well_known(address: str) -> bool:
    return any(address.endswith(path) for path in WELL_KNOWN)


def _beginning(text: bytes) -> bytes:
    """As much of a document as is read, to the end of a line: nothing would be a source that says nothing."""
    if len(text) <= BODY_BYTES:
        return text
    ends = max(text.rfind(end, 0, BODY_BYTES) for end in (b"\n", b"\r"))
    return text[: ends + 1 or BODY_BYTES]
