"""What a release does next: from the results of one stage to the actions of the following one.

Plans are pure functions of results, and are pickled with the job: a worker that plans comes to the same
actions as the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.actions import Action, Done
from pipelines.release_inputs import Inputs
from pipelines.stage_order import Place
from pipelines.steps import cut, join, ledger, resolve, tally
from pipelines.store.blobs import Blob
from pipelines.store.routed import Slice
from pipelines.store.tables import Table
from transforms.domain import subbuckets
from transforms.domain.policy import Policy


@dataclass(frozen=True)
class PlanResolve:
    """One action for each shard of what goes by item: licenses without owner, detections, leave of items."""

    inputs: Inputs
    buckets: int

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        return [
            action
            for kind, tables in (("licenses", self.inputs.licenses), ("detections", self.inputs.detections))
            for table in distinct(tables)
            for shard, blob in sorted(table.shards.items())
            for action in [_RESOLVE[kind](self._index(shard), blob, self.buckets, table.digest)]
        ] + [
            resolve.leave(self._index(shard), piece, self.buckets)
            for standing in results[Place.STANDING]
            for shard, piece in _slices(standing, "items")
        ]

    def _index(self, shard: int) -> Blob | None:
        return self.inputs.manifest.shards.get(shard)


_RESOLVE = {"licenses": resolve.licenses, "detections": resolve.detections}


@dataclass(frozen=True)
class PlanLedger:
    """One action for each bucket of the manifest of which a license snapshot says something.

    Attributes:
        source: the platform of the dataset: who looked, where a snapshot names nobody.
        observers: the most trusted first.
    """

    inputs: Inputs
    buckets: int
    source: str
    observers: tuple[str, ...] = ()

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        resolved = _resolved_of_tables(results, "licenses")
        actions = (
            ledger.action(key, blob, list(self._told(bucket, resolved)), self.observers)
            for key, blob in sorted(self.inputs.manifest.buckets.items())
            for bucket in [subbuckets.home(key, self.buckets)]
        )
        return [action for action in actions if action is not None]

    def _told(self, bucket: int, resolved: Mapping[tuple[str, int], list[Slice]]) -> Iterator[ledger.Told]:
        for table in distinct(self.inputs.licenses):
            owned, pieces = table.buckets.get(bucket), resolved.get((table.digest, bucket), [])
            if owned or pieces or table.full:  # what a full snapshot does not list is missing
                yield ledger.Told(
                    table.date,
                    table.observer or self.source,
                    table.full,
                    table.observed_on if table.full else "",
                    table.dated,
                    owned,
                    tuple(pieces),
                )


def distinct(tables: Iterable[Table]) -> list[Table]:
    """``tables`` without those that say the same under another name."""
    return list({table.digest: table for table in tables}.values())


def _slices(done: Done, name: str) -> Iterator[tuple[int, Slice]]:
    """What an action routed under ``name``: the bucket or shard, and its rows."""
    for routed in done.result.routed.get(name, ()):
        yield from routed.slices()


def _resolved(results: Sequence[Sequence[Done]], kind: str) -> Iterator[tuple[Done, int, Slice]]:
    """What was resolved of one kind of rows: the action's result, the bucket, and its rows."""
    for done in results[Place.RESOLVE]:
        if done.action.refs["kind"] == kind:
            for bucket, piece in _slices(done, "rows"):
                yield done, bucket, piece


def _resolved_of_tables(
    results: Sequence[Sequence[Done]], kind: str
) -> Mapping[tuple[str, int], list[Slice]]:
    """What was resolved of snapshots: by the digest of the snapshot and the bucket."""
    resolved: dict[tuple[str, int], list[Slice]] = {}
    for done, bucket, piece in _resolved(results, kind):
        resolved.setdefault((done.action.refs["table"], bucket), []).append(piece)
    return resolved


@dataclass(frozen=True)
class PlanJoin:
    """One action for each bucket of the manifest, or each of its sub-buckets.

    Attributes:
        before: by bucket, its join in an earlier release, to copy from.
    """

    inputs: Inputs
    buckets: int
    before: Mapping[int, join.Earlier] = field(default_factory=dict)

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        own: dict[int, list[Slice]] = {}
        for standing in results[Place.STANDING]:
            for bucket, piece in _slices(standing, "owners"):
                own.setdefault(bucket, []).append(piece)
        for _, bucket, piece in _resolved(results, "leave"):
            own.setdefault(bucket, []).append(piece)
        met = _Met(results, self.buckets)
        ledgers, signaled = (
            {done.action.refs["bucket"]: done.result.blobs.get(name) for done in results[place]}
            for place, name in ((Place.LEDGER, "ledger"), (Place.SIGNALS, "signaled"))
        )
        detected = _resolved_of_tables(results, "detections")
        return [
            join.action(
                key,
                blob,
                join.Concerns(ledgers.get(key), signaled.get(key), list(self._seen(bucket, detected))),
                join.Leave(own.get(bucket, []), met.of(key), met.wide_of(key)),
                self.before.get(key),
            )
            for key, blob in sorted(self.inputs.manifest.buckets.items())
            for bucket in [subbuckets.home(key, self.buckets)]
        ]

    def _seen(self, bucket: int, resolved: Mapping[tuple[str, int], list[Slice]]) -> Iterator[join.Seen]:
        for table in distinct(self.inputs.detections):
            if pieces := resolved.get((table.digest, bucket)):
                yield join.Seen(table.date, tuple(pieces))


class _Met:
    """What the scans met: rows of a bucket, and owners, who may have items in all sub-buckets of a home."""

    def __init__(self, results: Sequence[Sequence[Done]], buckets: int) -> None:
        self._buckets = buckets
        self._rows: dict[int, list[Blob]] = {}
        self._owners: dict[int, list[Blob]] = {}
        self._listed: set[int] = set()  # buckets in which a row is met by a target of a list
        self._wide = next(
            (done.result.blobs["wide"] for done in results[Place.STANDING] if "wide" in done.result.blobs),
            None,
        )
        for done in results[Place.SCAN]:
            key, blobs = done.action.refs["bucket"], done.result.blobs
            if "owners" in blobs:
                self._owners.setdefault(subbuckets.home(key, buckets), []).append(blobs["owners"])
            if "rows" in blobs and "names_only" not in done.action.inputs:
                self._rows.setdefault(key, []).append(blobs["rows"])
                if done.action.inputs["targets"]:
                    self._listed.add(key)

    def of(self, key: int) -> list[Blob]:
        """What is met in a bucket."""
        return self._rows.get(key, []) + self._owners.get(subbuckets.home(key, self._buckets), [])

    def wide_of(self, key: int) -> Blob | None:
        """What stands against it; None where nothing of a list is met: another list is not its affair."""
        listed = key in self._listed or subbuckets.home(key, self._buckets) in self._owners
        return self._wide if listed else None


@dataclass(frozen=True)
class PlanCut:
    """One action for each bucket of facts.

    Attributes:
        before: by bucket, its join in an earlier release of the same manifest and policy, to copy from.
    """

    policy: Policy
    buckets: int
    before: Mapping[int, join.Earlier] = field(default_factory=dict)

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        return [
            cut.action(
                bucket,
                Blob.from_json(done.action.refs["manifest"]),
                done.result.blobs["facts"],
                self.policy,
                before=self.before[bucket].facts if bucket in self.before else None,
                divided=subbuckets.is_divided(bucket, self.buckets),
            )
            for done in results[Place.JOIN]
            for bucket in [done.action.refs["bucket"]]
        ]


@dataclass(frozen=True)
class PlanTally:
    """One action for each bucket that is divided: of the others Cut made the tallies."""

    buckets: int

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        divided: dict[int, list[Blob]] = {}
        for done in results[Place.CUT]:
            if (counted := done.result.blobs.get("by_owner")) is not None:
                bucket = subbuckets.home(done.action.refs["bucket"], self.buckets)
                divided.setdefault(bucket, []).append(counted)
        return [tally.action(bucket, counted) for bucket, counted in sorted(divided.items())]
