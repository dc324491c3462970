"""What becomes of a unit of an inbox: for each kind, the ingest that takes it in. A new kind is one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipelines.aliases import ingest_aliases
from pipelines.consents import ingest_consents
from pipelines.ingest import ingest_detections, ingest_licenses, ingest_manifest, ingest_opt_outs
from pipelines.night.inbox import Unit
from pipelines.night.settings import Inbox
from pipelines.runner import Runner
from pipelines.signals import ingest_signals
from pipelines.store.store import Store
from pipelines.store.tables import (
    ALIASES,
    CONSENTS,
    DETECTIONS,
    LICENSES,
    MANIFESTS,
    OPT_OUTS,
    SIGNALS,
    Table,
)
from transforms.intake import Rules

Ingest = Callable[[Store, Unit, Inbox, Runner], Table]


def take_in(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    """The table of a unit: a new one, or the one that was made of the same bytes."""
    return INGESTS[unit.kind](store, unit, inbox, runner)


def _opt_outs(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    return ingest_opt_outs(
        store,
        list(unit.stamps),
        received_on=unit.day,
        runner=runner,
        allow_empty=inbox.allow_empty,
        rules=Rules(max_share=inbox.max_share),
        origin=inbox.origin or None,
    )


def _aliases(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    return ingest_aliases(store, list(unit.stamps), observed_on=unit.day)


def _consents(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    return ingest_consents(store, list(unit.stamps), received_on=unit.day)


def _detections(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    return ingest_detections(
        store,
        list(unit.stamps),
        fmt=inbox.fmt,
        observed_on=unit.day,
        snapshot=unit.name,
        runner=runner,
        max_quarantined_share=inbox.max_quarantined_share,
    )


def _signals(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    return ingest_signals(store, list(unit.stamps), observed_on=unit.day, agent=inbox.agent, runner=runner)


def _licenses(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    return ingest_licenses(
        store,
        list(unit.stamps),
        fmt=inbox.fmt,
        observed_on=unit.day,
        observer=inbox.observer or None,
        full=inbox.full,
        snapshot=unit.name,
        runner=runner,
        max_quarantined_share=inbox.max_quarantined_share,
    )


def _manifests(store: Store, unit: Unit, inbox: Inbox, runner: Runner) -> Table:
    existing = store.tables.find(MANIFESTS, unit.name)
    newest = store.tables.newest(MANIFESTS) if inbox.onto_newest else None
    onto = existing.onto if existing else newest.name if newest else None
    return ingest_manifest(
        store,
        list(unit.stamps),
        fmt=inbox.fmt,
        snapshot=unit.name,
        onto=onto,
        runner=runner,
        max_quarantined_share=inbox.max_quarantined_share,
    )


INGESTS: Mapping[str, Ingest] = MappingProxyType(
    {
        OPT_OUTS: _opt_outs,
        ALIASES: _aliases,
        CONSENTS: _consents,
        SIGNALS: _signals,
        DETECTIONS: _detections,
        LICENSES: _licenses,
        MANIFESTS: _manifests,
    }
)
