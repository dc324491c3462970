"""Looking before working: what is new in the inboxes, and which releases would be others. Writes nothing."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.night.editions import Next, next_of
from pipelines.night.inbox import Left, Unit, first_line, survey
from pipelines.night.ledger import Ledger
from pipelines.night.settings import Inbox, Settings
from pipelines.optouts.requests import was_read
from pipelines.release_inputs import Inputs, choose_inputs
from pipelines.store.store import Store
from pipelines.store.tables import OPT_OUTS, SIGNALS
from transforms.domain.errors import ByleaveError, RefusedError, RetryError, StateError


@dataclass
class Seen:
    """What there is to do.

    Attributes:
        units: to be taken in, in the order of the inboxes.
        left: in place.
        problems: for which no release is cut.
        inputs: what a release would be made of; None if there is not all that it takes.
        editions: what is next for each.
    """

    units: list[Unit] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    problems: list[ByleaveError] = field(default_factory=list)
    inputs: Inputs | None = None
    editions: list[Next] = field(default_factory=list)

    @property
    def has_work(self) -> bool:
        """Whether anything would be written."""
        unfinished = any(each.is_due or not each.is_finished for each in self.editions)
        return bool(self.units) or (unfinished and not self.problems)


def look(store: Store, settings: Settings, ledger: Ledger, now: float) -> Seen:
    """What is new, what is left in place, and what is next for each edition."""
    units: list[Unit] = []
    left: list[Left] = []
    for inbox in settings.inboxes:
        there = set(store.tables.names(inbox.kind))
        for found in survey(inbox, now, settings.settle_seconds):
            if isinstance(found, Left):
                left.append(found)
            elif not ledger.knows(found, there):
                units.append(found)
    return look_at_releases(store, settings, now, left, units)


def look_at_releases(
    store: Store, settings: Settings, now: float, left: Sequence[Left], units: Sequence[Unit] = ()
) -> Seen:
    """What is next for each edition, with ``units`` still to be taken in and ``left`` in place."""
    seen = Seen(list(units), list(left))
    if not settings.editions:
        return seen
    stopping = {inbox.kind for inbox in settings.inboxes if inbox.stop}
    seen.problems += [_missing(each) for each in left if each.kind in stopping]
    inbox = settings.inbox(OPT_OUTS)
    try:
        seen.inputs = _inputs(store, inbox, _day_of(now))
    except StateError as error:
        if not units:  # else it may be what is about to be taken in
            seen.problems.append(error)
        return seen
    seen.problems += _to_come(store, seen.inputs, _day_of(now) + datetime.timedelta(1))
    if inbox and inbox.max_age_days is not None:
        days = [table.date for table in seen.inputs.opt_outs if was_read(table)]
        days += [unit.day for unit in units if unit.kind == OPT_OUTS]
        seen.problems += _outdated(inbox, inbox.max_age_days, max(days), now)
    seen.editions = [next_of(store, seen.inputs, edition) for edition in settings.editions]
    return seen


def _inputs(store: Store, inbox: Inbox | None, today: datetime.date) -> Inputs:
    if not store.tables.names(OPT_OUTS):
        cure = f"Put one into {inbox.folder}" if inbox else "Take one in: byleave ingest opt-outs --help"
        raise StateError(
            f"{store.url}: no opt-out list was ever taken in, and nothing is published without one. {cure}"
        )
    return choose_inputs(store, as_of=None, today=today.isoformat())


def _day_of(now: float) -> datetime.date:
    return datetime.datetime.fromtimestamp(now, datetime.UTC).date()


def _missing(left: Left) -> ByleaveError:
    kind = RetryError if left.waits else RefusedError
    cure = "It is taken in when it is whole" if left.waits else "Mend it, or take it away"
    named = {OPT_OUTS: "an opt-out list", SIGNALS: "evidence of signals"}
    what = named.get(left.kind, f"a list of {left.kind}")
    return kind(
        f"{left.place}: {what} that is not taken in ({first_line(left.why)}). Nothing is published"
        f" without it. {cure}"
    )


def _to_come(store: Store, inputs: Inputs, last: datetime.date) -> list[ByleaveError]:
    """A table of a later day than ``last``: it would stay the newest, and what expires by then be expired."""
    if inputs.as_of <= last.isoformat():
        return []
    return [
        RefusedError(
            f"{store.url}: holds a table of {inputs.as_of}, which is yet to come, so that a release would be"
            " of that day. Nothing is published until then; byleave release cut --as-of leaves it out"
        )
    ]


def _outdated(inbox: Inbox, max_age_days: int, newest: str, now: float) -> list[ByleaveError]:
    age_days = (_day_of(now) - datetime.date.fromisoformat(newest)).days
    if age_days <= max_age_days:
        return []
    return [
        RefusedError(
            f"{inbox.folder}: the newest opt-out list is of {newest}, {age_days} days ago, and max_age_days"
            f" is {max_age_days}. Nothing is published until a newer one is there"
        )
    ]
