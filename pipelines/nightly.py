"""The nightly job: take in what is new in the inboxes, and cut each release that would be another.

It looks first. If nothing changed it ends there, and has written nothing at all. Else it takes the store's
lease, looks again, and works::

    opt-outs, aliases, consents, signals, detections ─► licenses ─► manifests
        ─► each release that would differ ─► its statistics

What may forbid comes first, so that an outage in between leaves the store on the safe side. What cannot be
taken in is left where it lies, and named.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from pipelines.night import ingests
from pipelines.night.editions import Next
from pipelines.night.inbox import Left, Unit, why_of
from pipelines.night.ledger import Ledger
from pipelines.night.lineage import Lineage
from pipelines.night.look import Seen, look, look_at_releases
from pipelines.night.settings import Settings
from pipelines.night.summary import Outcome, Summary, TakenIn
from pipelines.optouts.reuploads import reuploads_of
from pipelines.release import cut_release
from pipelines.release_inputs import Inputs
from pipelines.runner import Runner
from pipelines.store.lease import Clock, Lease
from pipelines.store.store import Store, open_store
from pipelines.store.tables import MANIFESTS, OPT_OUTS
from transforms.domain.errors import (
    ByleaveError,
    ConfigError,
    InputError,
    RefusedError,
    StateError,
    unusable,
)

# What is wrong with one file, or with one release. Whatever else is raised is wrong with the store.
_OF_A_UNIT = (InputError, StateError, ConfigError)
_OF_A_RELEASE = (RefusedError, StateError)


def run_night(
    settings: Settings, runner: Runner, *, dry_run: bool = False, clock: Clock = time.time
) -> Summary:
    """What the night did. Whatever went wrong in it stands in the summary, and decides its exit code.

    Args:
        settings: of the night.
        runner: of the work.
        dry_run: only look, and say what would be done.
        clock: asked for the time, which enters the lease, the summary and the lineage, and nothing else.

    Raises:
        RetryError: another run holds the lease. Nothing was done.
        StateError: there is no store.
    """
    store = open_store(settings.store)
    lineage = Lineage(settings.lineage, settings.namespace, store, clock)
    summary = Summary(store.url, clock(), dry_run)
    ledger = Ledger(store)
    seen = look(store, settings, ledger, clock())
    if dry_run or not seen.has_work:
        _tell(seen, settings, summary)
    else:
        path = f"{store.dataset.path}/lease.json"
        with Lease(store.backend, path, settings.lease_seconds, clock).held() as lease:
            summary.lease_after = lease.taken_over
            night = _Night(store, settings, runner, lineage, ledger, lease, summary)
            try:
                night.work()
            except ByleaveError as error:
                summary.problems.append(error)
            except OSError as error:
                summary.problems.append(unusable(error))
    summary.problems += lineage.problems
    summary.finished = clock()
    return summary


def _tell(seen: Seen, settings: Settings, summary: Summary) -> None:
    """What was seen, where nothing is done about it."""
    summary.to_take_in, summary.left, summary.problems = seen.units, seen.left, seen.problems
    if seen.units:
        newest = {each.edition.name: each.newest for each in seen.editions}
        names = [edition.name for edition in settings.editions]
        summary.outcomes = [Outcome(name, "depends", newest.get(name)) for name in names]
        return
    for each in seen.editions:
        if not each.is_due:
            outcome = Outcome(each.edition.name, "unchanged", each.newest)
        elif seen.problems:
            outcome = Outcome(each.edition.name, "stopped", each.newest)
        else:
            outcome = Outcome(each.edition.name, "due", each.newest, next_version=each.version)
        summary.outcomes.append(outcome)


@dataclass
class _Night:
    """The work of a night, under its lease."""

    store: Store
    settings: Settings
    runner: Runner
    lineage: Lineage
    ledger: Ledger
    lease: Lease
    summary: Summary

    def work(self) -> None:
        """Take in what is new, then cut."""
        seen = look(self.store, self.settings, self.ledger, self.lease.clock())
        self.summary.left = seen.left
        for unit in seen.units:
            self.lease.check()
            self.take_in(unit)
        seen = look_at_releases(self.store, self.settings, self.lease.clock(), self.summary.left)
        self.summary.problems += seen.problems
        for each in seen.editions:
            if not each.is_due and each.is_finished:
                outcome = Outcome(each.edition.name, "unchanged", each.newest)
            elif seen.problems or seen.inputs is None:
                outcome = Outcome(each.edition.name, "stopped", each.newest)
            else:
                self.lease.check()
                outcome = self.cut(seen.inputs, each)
            self.summary.outcomes.append(outcome)

    def take_in(self, unit: Unit) -> None:
        """Make a table of a unit; or leave it in place, with the reason."""
        there = {kind: self.store.tables.names(kind) for kind in (unit.kind, OPT_OUTS)}
        inbox = next(inbox for inbox in self.settings.inboxes if inbox.kind == unit.kind)
        try:
            with self.lineage.ingest(unit) as run:
                table = ingests.take_in(self.store, unit, inbox, self.runner)
                made = [table, *(reuploads_of(self.store, table) if unit.kind == MANIFESTS else ())]
                for each in made:
                    run.made(each)
        except _OF_A_UNIT as error:
            self.summary.left.append(Left(unit.kind, unit.place, why_of(unit.place, error)))
            return
        self.ledger.note(unit, table.name)
        new = (each for each in made if each.name not in there[each.kind])
        self.summary.taken_in += [TakenIn.of(each, unit.place) for each in new]

    def cut(self, inputs: Inputs, each: Next) -> Outcome:
        """Cut and publish what is next for an edition, or ship what a run that died left out."""
        from pipelines.catalog.statistics import ship_stats

        name, before = each.edition.name, each.newest
        if before and not each.is_due:
            ship_stats(self.store, before)
            return Outcome(name, "unchanged", before)
        try:
            with self.lineage.release(name, inputs) as run:
                release, _ = cut_release(
                    self.store,
                    inputs,
                    each.edition.policy,
                    each.version,
                    self.runner,
                    before_commit=self.lease.check,
                )
                run.published(release)
        except _OF_A_RELEASE as error:
            return Outcome(name, "failed", before, error=error)
        ship_stats(self.store, release)
        return Outcome(name, "published", release, before)
