"""Lists of signals: files of evidence, read whole or not at all, as rules of what their sources said."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import InputError
from transforms.domain.hosts import normalize_hosts
from transforms.domain.schemas import SIGNALS
from transforms.domain.texts import shown
from transforms.formats import jsonfiles
from transforms.formats.evidence import Capture, Evidence, NotUnderstood, evidence_of
from transforms.formats.lists import Faults
from transforms.formats.readings import BODY_BYTES, Reader
from transforms.formats.sitefiles import OBJECTS, capture_of
from transforms.signals.rules import FACTS, Rule, table_of

DEFAULT_AGENT = "byleave"


class Document(NamedTuple):
    """A file of evidence.

    Attributes:
        place: its name, with which every message begins.
        role: its name among a site's files, or :data:`sitefiles.OBJECTS`.
        host: whose it is, unless it holds objects.
        data: all of it.
    """

    place: str
    role: str
    host: str
    data: bytes


class _Reading(NamedTuple):
    fetched_at: datetime.datetime | None
    rules: list[Rule]


def read_signals(
    documents: Sequence[Document], *, source: str, agent: str, observed_on: datetime.date
) -> tuple[pa.Table, dict[str, int]]:
    """The rules of all documents, and what they count.

    Of several answers of one source on one day the last counts, if each tells when it was got, and else all
    of them. That a source could not be got is no news where it was got that day.

    Args:
        documents: in any order.
        source: the platform of items that name none.
        agent: the name by which sources address us.
        observed_on: the day of evidence that does not tell its own, and the last that any may tell.

    Returns:
        A table of ``schemas.SIGNALS``, distinct and sorted by all columns; and by name the `rows`, the
        distinct `hosts`, `urls` and `items` they speak of, the rules of each fact but `ok`, and how many
        documents are `cut` because they have over 500 KiB.

    Raises:
        InputError: something is not understood; the message has a line for each of the first 20 faults of a
            file, then their count. What a site wrote is never a fault: that is a fact about the site.
    """
    read: list[tuple[Faults, int, Evidence]] = []
    for document in documents:
        faults = Faults(document.place)
        read += [(faults, line, evidence) for line, evidence in _evidence(document, faults)]
        faults.check()
    everything = [evidence for _, _, evidence in read]
    reader = Reader.of(everything, source, agent, observed_on)
    readings: list[_Reading] = []
    for faults, line, evidence in read:
        try:
            readings.append(_Reading(evidence.fetched_at, reader.rules(evidence)))
        except NotUnderstood as fault:
            _add(faults, line, str(fault))
    for faults, _, _ in read:
        faults.check()
    cut = sum(isinstance(each, Capture) and len(each.body or b"") > BODY_BYTES for each in everything)
    signals = _sorted(table_of(_that_count(readings)))
    counts = {"rows": len(signals), "cut": cut}
    for kind in ("host", "url", "item"):
        of_kind = signals.filter(pc.and_(pc.equal(signals["kind"], kind), pc.not_equal(signals["key"], "")))
        of_kind = of_kind.select(["source", "key"])
        counts[f"{kind}s"] = len(of_kind.group_by(["source", "key"]).aggregate([]))
    for fact in FACTS[1:]:
        counts[fact] = pc.sum(pc.equal(signals["fact"], fact)).as_py() or 0
    return signals, counts


def _evidence(document: Document, faults: Faults) -> Iterator[tuple[int, Evidence]]:
    """What a document holds, each with its line from 1."""
    if document.role != OBJECTS:
        (host,) = normalize_hosts(pa.array([document.host])).to_pylist()
        if host is None or "." not in host:
            raise InputError(
                f"{document.place}: lies in a folder {shown(document.host)}, which is no host. Name it after"
                " the site, as example.org"
            )
        try:
            yield 1, capture_of(document.role, host, document.data)
        except NotUnderstood as fault:
            raise InputError(f"{document.place}, {fault}") from None
        return
    try:
        for value in jsonfiles.values(io.BytesIO(document.data)):
            try:
                if value.fault:
                    raise NotUnderstood(value.fault.detail)
                yield value.line + 1, evidence_of(value.value)
            except NotUnderstood as fault:
                _add(faults, value.line + 1, str(fault))
    except InputError as error:
        raise InputError(f"{document.place}: {error}") from None


def _add(faults: Faults, line: int, words: str) -> None:
    faults.add(np.array([line]), iter([f": {words}"]))
    faults.trim()


def _that_count(readings: Iterable[_Reading]) -> Iterator[Rule]:
    """The rules of the last answers of each day; those of no answer where there is none."""
    sources: dict[tuple[object, ...], list[tuple[datetime.datetime | None, Rule]]] = {}
    for fetched_at, rules in readings:
        for rule in rules:
            which = rule.vocabulary if rule.mechanism == "registry" else None
            day = sources.setdefault((rule.subject, rule.mechanism, which, rule.observed_on), [])
            day.append((fetched_at, rule))
    for day in sources.values():
        answers = [each for each in day if each[1].fact != "unavailable"] or day
        times = [fetched_at for fetched_at, _ in answers if fetched_at]
        last = max(times) if len(times) == len(answers) else None
        yield from (rule for fetched_at, rule in answers if last is None or fetched_at == last)


def _sorted(signals: pa.Table) -> pa.Table:
    """Distinct rows in one order, whatever the order of the files and of what is in them."""
    distinct = signals.group_by(SIGNALS.names).aggregate([]).select(SIGNALS.names)
    return distinct.sort_by([(name, "ascending") for name in SIGNALS.names]).cast(SIGNALS).combine_chunks()
