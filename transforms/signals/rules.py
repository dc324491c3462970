"""Rules: what one source said on a day about a host's paths, a URL or an item."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from transforms.domain import schemas
from transforms.domain.hosts import authorities_of, hosts_of
from transforms.domain.targets import normalize_urls

MECHANISMS = (
    "x-robots-tag",
    "content-usage-header",
    "content-usage-robots",
    "content-signal",
    "tdmrep-header",
    "tdmrep-file",
    "c2pa",
    "ai-txt",
    "registry",
)
"""Of each mechanism, the newest answer of each authority about a subject counts."""

FACTS = ("ok", "malformed", "unreadable", "unavailable")
"""`malformed`: part of it was not understood; `unreadable`: it was got, and nothing of it was understood;
`unavailable`: it could not be got."""

_EVIDENCE_CHARACTERS = 300


@dataclass(frozen=True)
class Subject:
    """What a source speaks of. Made by :func:`host`, :func:`url` and :func:`item`.

    Attributes:
        kind: `host`, `url` or `item`.
        key: normalized.
        source: the platform of an item; else None.
        authority: who answers for it, by scheme, host and port (RFC 9309, 2.3); None where that is not told.
            The answer of one ends no answer of another.
    """

    kind: str
    key: str
    source: str | None = None
    authority: str | None = None


def host(name: str) -> Subject:
    """A host, by its name or by any URL on it.

    Raises:
        ValueError: there is no host in it.
    """
    written = pa.array([_encodable(name).strip()], pa.string())
    key = hosts_of(written)[0].as_py()
    if not key:
        raise ValueError(f"{name!a} names no host")
    return Subject("host", key, authority=authorities_of(written)[0].as_py())


def url(address: str) -> Subject:
    """A URL."""
    return urls([address])[0]


def urls(addresses: Sequence[str]) -> list[Subject]:
    """Each of some URLs."""
    written = pa.array([_encodable(address).strip() for address in addresses], pa.string())
    keys, authorities = normalize_urls(written).to_pylist(), authorities_of(written).to_pylist()
    return [Subject("url", key, authority=each) for key, each in zip(keys, authorities, strict=True)]


def item(source: str, item_id: str) -> Subject:
    """An item of a platform."""
    return Subject("item", _encodable(item_id), source)


ANYTHING = Subject("url", "")
"""Whatever a mechanism was ever asked about: of it a registry as a whole can be `unavailable`."""


@dataclass(frozen=True)
class Rule:
    """A row of :data:`schemas.SIGNALS`.

    Attributes:
        subject: what it speaks of.
        mechanism: one of :data:`MECHANISMS`.
        observed_on: when the source was read, or could not be.
        no: bit set of purposes, as stated: not spread.
        yes: as ``no``.
        fact: one of :data:`FACTS`.
        path: of a host: the pattern of paths, from ``/``, as robots.txt has it (``*``, and ``$`` at the end).
        vocabulary: by whose words it was read; of a registry, which one.
        evidence: what was read, cut where it is long; or why it was not.
    """

    subject: Subject
    mechanism: str
    observed_on: datetime.date
    no: int = 0
    yes: int = 0
    fact: str = "ok"
    path: str = "/"
    vocabulary: str | None = None
    evidence: str | None = None

    def __post_init__(self) -> None:
        if self.mechanism not in MECHANISMS or self.fact not in FACTS:
            raise ValueError(f"no such mechanism or fact: {self.mechanism!a}, {self.fact!a}")
        if self.fact in ("unreadable", "unavailable") and (self.no or self.yes):
            raise ValueError(f"{self.fact} says neither yes nor no")


def table_of(rules: Iterable[Rule]) -> pa.Table:
    """The rules as a table in :data:`schemas.SIGNALS`, in their order."""
    rows = [
        {
            "kind": rule.subject.kind,
            "source": rule.subject.source,
            "key": rule.subject.key,
            "authority": rule.subject.authority,
            "path": _encodable(rule.path) if rule.subject.kind == "host" else None,
            "mechanism": rule.mechanism,
            "no": rule.no,
            "yes": rule.yes,
            "fact": rule.fact,
            "vocabulary": rule.vocabulary and _encodable(rule.vocabulary),
            "observed_on": rule.observed_on,
            "evidence": None if rule.evidence is None else _shown(rule.evidence),
        }
        for rule in rules
    ]
    return pa.Table.from_pylist(rows, schemas.SIGNALS)


def silent(subject: Subject, mechanism: str, observed_on: datetime.date, evidence: str | None = None) -> Rule:
    """That a source was read, or is not there at all (404, 410), and says nothing."""
    return Rule(subject, mechanism, observed_on, evidence=evidence)


def unreadable(subject: Subject, mechanism: str, observed_on: datetime.date, why: str) -> Rule:
    """That a source was got and nothing of it could be understood."""
    return Rule(subject, mechanism, observed_on, fact="unreadable", evidence=f"parse_error: {why}")


def unavailable(subject: Subject, mechanism: str, observed_on: datetime.date, why: str) -> Rule:
    """That a source could not be got: what it said before stands, and is stale."""
    return Rule(subject, mechanism, observed_on, fact="unavailable", evidence=why)


def _shown(text: str) -> str:
    """On one line, in ASCII, and short: evidence is text by strangers."""
    cut = "..." if len(text) > _EVIDENCE_CHARACTERS else ""
    return ascii(text[:_EVIDENCE_CHARACTERS])[1:-1] + cut


def _encodable(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()
