"""What a night says of itself, to a person and to a program. `docs/nightly.md` describes the keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.night.inbox import Left, Unit, first_line
from pipelines.plurals import counted
from pipelines.store.lease import Holder, moment
from pipelines.store.releases import Release
from pipelines.store.tables import DETECTIONS, LICENSES, MANIFESTS, Table
from transforms.domain.errors import (
    ByleaveError,
    CommitOutcomeUnknown,
    ConfigError,
    InputError,
    IntegrityError,
    RefusedError,
    RetryError,
    StateError,
)

# The worst first. Who is told of a damaged store need not be told to run it again.
_WORST_FIRST = [
    kind.exit_code
    for kind in (
        IntegrityError,
        RefusedError,
        CommitOutcomeUnknown,
        StateError,
        ConfigError,
        InputError,
        RetryError,
    )
]


@dataclass(frozen=True)
class TakenIn:
    """A table that is new in the store; of a list `held` entries wait for a person."""

    kind: str
    snapshot: str
    place: str
    date: str
    rows: int
    duplicates: int
    quarantined: int
    digest: str
    held: int = 0

    @staticmethod
    def of(table: Table, place: str) -> TakenIn:
        """The table that was made of what lies at ``place``."""
        counts = table.counts
        return TakenIn(
            table.kind,
            table.name,
            place,
            table.date,
            counts["rows"],
            counts.get("duplicates", 0),
            counts.get("quarantined", 0),
            table.digest,
            counts.get("held", 0),
        )


@dataclass(frozen=True)
class Outcome:
    """What became of an edition.

    Attributes:
        name: of the edition.
        state: `published`, `unchanged`, `failed`, or `stopped`: not even tried. Of a dry run: `due`, or
            `depends`: on what is still to be taken in.
        release: the newest that is out; None if there is none.
        before: the one that was out before it.
        error: why it failed.
        next_version: of a dry run, that of the next release as far as it can be told.
    """

    name: str
    state: str
    release: Release | None = None
    before: Release | None = None
    error: ByleaveError | None = None
    next_version: str | None = None

    def to_json(self) -> dict[str, Any]:
        """One element of the key `releases`."""
        return {
            "name": self.name,
            "state": self.state,
            "next_version": self.next_version,
            "error": _told(self.error) if self.error else None,
            "newest": _counted(self.release),
            "before": _counted(self.before),
        }


@dataclass
class Summary:
    """What a night did, or in a dry run would do."""

    store: str
    started: float
    dry_run: bool
    finished: float = 0.0
    to_take_in: list[Unit] = field(default_factory=list)
    taken_in: list[TakenIn] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    problems: list[ByleaveError] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    lease_after: Holder | None = None

    @property
    def nothing_changed(self) -> bool:
        """Whether there was nothing to take in, and every release is as it would be."""
        unchanged = all(outcome.state == "unchanged" for outcome in self.outcomes)
        return unchanged and not (self.taken_in or self.to_take_in or self.problems)

    @property
    def exit_code(self) -> int:
        """Of the worst that happened."""
        errors = [*self.problems, *(outcome.error for outcome in self.outcomes if outcome.error)]
        codes = {error.exit_code for error in errors} | {left.exit_code for left in self.left}
        return next((code for code in _WORST_FIRST if code in codes), max(codes, default=0))

    def to_json(self) -> dict[str, Any]:
        """The summary for programs."""
        return {
            "store": self.store,
            "dry_run": self.dry_run,
            "started": moment(self.started),
            "finished": moment(self.finished),
            "exit_code": self.exit_code,
            "nothing_changed": self.nothing_changed,
            "taken_in": [asdict(each) for each in self.taken_in],
            "to_take_in": [
                {"kind": unit.kind, "place": unit.place, "name": unit.name, "date": unit.day}
                for unit in self.to_take_in
            ],
            "left": [{**asdict(left), "exit_code": left.exit_code} for left in self.left],
            "problems": [_told(error) for error in self.problems],
            "releases": [outcome.to_json() for outcome in self.outcomes],
            "lease_after": asdict(self.lease_after) if self.lease_after else None,
        }

    def lines(self) -> Iterator[str]:
        """The summary for people."""
        if self.lease_after:
            yield f"goes on after {self.lease_after}, whose lease ran out"
        for unit in self.to_take_in:
            yield f"to take in     {unit.kind} {unit.name}, from {unit.place}"
        for table in self.taken_in:
            of_rows = table.kind in (MANIFESTS, LICENSES, DETECTIONS)
            came = counted(table.rows, "row") if of_rows else counted(table.rows, "entry", "entries")
            in_quarantine = f", {table.quarantined:,} in quarantine" if table.quarantined else ""
            held = f", {table.held:,} held" if table.held else ""
            yield f"taken in       {table.kind} {table.snapshot}: {came}{in_quarantine}{held}"
        if waiting := sum(table.held for table in self.taken_in):
            yield f"waiting        {counted(waiting, 'opt-out')}: byleave opt-outs list {self.store} --held"
        for left in self.left:
            yield f"left in place  {left.place}: {first_line(left.why)}"
        for outcome in self.outcomes:
            yield from _outcome_lines(outcome)
        if self.nothing_changed:
            yield "nothing changed"

    def faults(self) -> Iterator[str]:
        """What somebody has to see to, a line each."""
        for error in self.problems:
            yield str(error)
        for outcome in self.outcomes:
            if outcome.error:
                yield f"release {outcome.name}: {outcome.error}"
        said = "\n".join(map(str, self.problems))
        for left in self.left:
            if left.exit_code and left.place not in said:
                yield f"{left.place}: {first_line(left.why)}"


def _told(error: ByleaveError) -> dict[str, Any]:
    return {"why": str(error), "exit_code": error.exit_code}


def _counted(release: Release | None) -> dict[str, Any] | None:
    if release is None:
        return None
    counts = release.content["counts"]
    return {
        "version": release.version,
        "digest": release.digest,
        "as_of": release.content["as_of"],
        "rows": counts["rows"],
        "kept": counts["kept"],
        "left_out": counts["first_reason"],
    }


def _outcome_lines(outcome: Outcome) -> Iterator[str]:
    release, before = outcome.release, outcome.before
    if outcome.state != "published" or release is None:
        out = f", which has {release.version}" if release else ""
        of_which = f": {outcome.next_version}" if outcome.next_version else ""
        yield f"{outcome.state:<14} release {outcome.name}{out}{of_which}"
        return
    counts = release.content["counts"]
    yield f"published      {release.version}: {counts['kept']:,} of {counted(counts['rows'], 'item')}"
    then = before.content["counts"] if before else {"kept": counts["kept"], "first_reason": {}}
    if before:
        more = counts["kept"] - then["kept"]
        yield f"               {'+' if more >= 0 else '-'}{counted(abs(more), 'item')} since {before.version}"
    reasons: Mapping[str, int] = counts["first_reason"]
    for reason in [*reasons, *(gone for gone in then["first_reason"] if gone not in reasons)]:
        now, was = reasons.get(reason, 0), then["first_reason"].get(reason, 0)
        if before and now != was:
            yield f"               {reason} {was:,} -> {now:,}"
