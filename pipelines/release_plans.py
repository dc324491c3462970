"""What a release does next: from the results of one stage to the actions of the following one.

Plans are pure functions of results, and are pickled with the job: a worker that plans comes to the same
actions as the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.actions import Action, Done
from pipelines.release_inputs import Inputs
from pipelines.steps import cut, join, ledger, resolve, tally
from pipelines.store.blobs import Blob
from pipelines.store.routed import Slice
from pipelines.store.tables import Table
from transforms.domain import subbuckets
from transforms.domain.policy import Policy


@dataclass(frozen=True)
class PlanResolve:
    """One action for each shard of license rows and opt-outs that name no owner."""

    inputs: Inputs
    buckets: int

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        index = self.inputs.manifest.shards
        licenses = [
            resolve.licenses(index.get(shard), blob, self.buckets, table.digest)
            for table in distinct(self.inputs.licenses)
            for shard, blob in sorted(table.shards.items())
        ]
        opted_out = [
            resolve.opt_outs(index.get(shard), piece, self.buckets)
            for table in self.inputs.opt_outs
            if "items" in table.routed
            for shard, piece in table.routed["items"].slices()
        ]
        return licenses + opted_out


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
        resolved: dict[tuple[str, int], list[Slice]] = {}
        for done, bucket, piece in _resolved(results[0], "licenses"):
            resolved.setdefault((done.action.refs["table"], bucket), []).append(piece)
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


def _resolved(resolve_results: Sequence[Done], kind: str) -> Iterator[tuple[Done, int, Slice]]:
    """What was resolved of licenses or opt-outs: the action's result, the bucket, and its rows."""
    for done in resolve_results:
        if done.action.refs["kind"] == kind:
            for routed in done.result.routed["rows"]:
                for bucket, piece in routed.slices():
                    yield done, bucket, piece


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
        opt_outs: dict[int, list[Slice]] = {}
        for _, bucket, piece in _resolved(results[0], "opt-outs"):
            opt_outs.setdefault(bucket, []).append(piece)
        for table in self.inputs.opt_outs:
            if "owners" in table.routed:
                for bucket, piece in table.routed["owners"].slices():
                    opt_outs.setdefault(bucket, []).append(piece)
        wide = [table.blobs["wide"] for table in self.inputs.opt_outs if "wide" in table.blobs]
        ledgers = {done.action.refs["bucket"]: done.result.blobs.get("ledger") for done in results[1]}
        return [
            join.action(key, blob, ledgers.get(key), opt_outs.get(bucket, []), wide, self.before.get(key))
            for key, blob in sorted(self.inputs.manifest.buckets.items())
            for bucket in [subbuckets.home(key, self.buckets)]
        ]


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
            for done in results[2]
            for bucket in [done.action.refs["bucket"]]
        ]


@dataclass(frozen=True)
class PlanTally:
    """One action for each bucket that is divided: of the others Cut made the tallies."""

    buckets: int

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        divided: dict[int, list[Blob]] = {}
        for done in results[3]:
            if (counted := done.result.blobs.get("by_owner")) is not None:
                bucket = subbuckets.home(done.action.refs["bucket"], self.buckets)
                divided.setdefault(bucket, []).append(counted)
        return [tally.action(bucket, counted) for bucket, counted in sorted(divided.items())]
