"""What a release does next: from the results of one stage to the actions of the following one.

Plans are pure functions of results, and are pickled with the job: a worker that plans comes to the same
actions as the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.actions import Action, Done
from pipelines.release_inputs import Inputs
from pipelines.steps import cut, join, resolve, tally
from pipelines.store.blobs import Blob
from pipelines.store.routed import Slice
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
            for table in self.inputs.licenses
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
        resolved: dict[tuple[str, int], list[Slice]] = {}
        opt_outs: dict[int, list[Slice]] = {}
        for done in results[0]:
            licenses = done.action.refs["kind"] == "licenses"
            for routed in done.result.routed["rows"]:
                for bucket, piece in routed.slices():
                    if licenses:
                        resolved.setdefault((done.action.refs["table"], bucket), []).append(piece)
                    else:
                        opt_outs.setdefault(bucket, []).append(piece)
        for table in self.inputs.opt_outs:
            if "owners" in table.routed:
                for bucket, piece in table.routed["owners"].slices():
                    opt_outs.setdefault(bucket, []).append(piece)
        wide = [table.blobs["wide"] for table in self.inputs.opt_outs if "wide" in table.blobs]
        return [
            join.action(
                key,
                blob,
                list(self._told(bucket, resolved)),
                opt_outs.get(bucket, []),
                wide,
                self.before.get(key),
            )
            for key, blob in sorted(self.inputs.manifest.buckets.items())
            for bucket in [subbuckets.home(key, self.buckets)]
        ]

    def _told(self, bucket: int, resolved: Mapping[tuple[str, int], list[Slice]]) -> Iterator[join.Told]:
        for table in self.inputs.licenses:
            if bucket in table.buckets:
                yield join.Told(table.date, (table.buckets[bucket],), table.dated)
            if pieces := resolved.get((table.digest, bucket)):
                yield join.Told(table.date, tuple(pieces), table.dated)


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
            for done in results[1]
            for bucket in [done.action.refs["bucket"]]
        ]


@dataclass(frozen=True)
class PlanTally:
    """One action for each bucket that is divided: of the others Cut made the tallies."""

    buckets: int

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        divided: dict[int, list[Blob]] = {}
        for done in results[2]:
            if (counted := done.result.blobs.get("by_owner")) is not None:
                bucket = subbuckets.home(done.action.refs["bucket"], self.buckets)
                divided.setdefault(bucket, []).append(counted)
        return [tally.action(bucket, counted) for bucket, counted in sorted(divided.items())]
