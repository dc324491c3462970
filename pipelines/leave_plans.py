"""What a release does to find what was asked and granted, and of which rows: plans of the stages before Join.

Plans are pure functions of results, as those in :mod:`pipelines.release_plans` are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.actions import Action, Done
from pipelines.release_inputs import Inputs
from pipelines.stage_order import Place
from pipelines.steps import scan, signals, signals_standing, standing, wide_targets
from pipelines.store.tables import Table

_WIDE_COUNTS = ("aliases", "names", "urls", "hosts", "contents", "tags")
"""Of an opt-out list: what it counts of targets that do not say where they live."""

_FLICKRS_COUNTS = ("items", "owners")
"""And what it counts of those that rows of other platforms may show besides."""


@dataclass(frozen=True)
class PlanStanding:
    """One action if there is any list: what stands of all that was asked and granted."""

    inputs: Inputs
    buckets: int
    shards: int

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        lists = self.inputs.opt_outs, self.inputs.consents, self.inputs.aliases
        if not any(lists):
            return []
        return [
            standing.action(
                *lists,
                buckets=self.buckets,
                shards=self.shards,
                as_of=self.inputs.as_of,
                shown=self.inputs.manifest.foreign,
            ),
        ]


@dataclass(frozen=True)
class PlanWideTargets:
    """One action for each chunk of lists that name what does not say where it lives."""

    inputs: Inputs

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        foreign = self.inputs.manifest.foreign
        counts = (*_WIDE_COUNTS, *_FLICKRS_COUNTS) if foreign else _WIDE_COUNTS
        wide = [each for each in self.inputs.opt_outs if any(map(each.counts.get, counts))]
        aliases = self.inputs.aliases if foreign else None
        return [wide_targets.action(chunk, shown=aliases) for chunk in chunks(wide)]


def chunks(lists: Sequence[Table]) -> Iterator[Sequence[Table]]:
    """``lists`` in their order, in chunks like the digits of a binary counter: of 13 lists 8, 4 and 1.

    A list more changes the last chunks alone, and makes one of them. So a night scans for one chunk, mostly a
    small one, and of a year of nightly lists there are at most nine chunks.
    """
    start = 0
    for place in reversed(range(len(lists).bit_length())):
        size = 1 << place
        if len(lists) & size:
            yield lists[start : start + size]
            start += size


@dataclass(frozen=True)
class PlanScan:
    """One action for each bucket and chunk of targets, of which the tags that say no by themselves are one.

    For owners' names the buckets of earlier manifests are looked at too, as far as they are others: an owner
    lives in the same bucket of every manifest, and who was called so then is meant today.
    """

    inputs: Inputs

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        return list(self._actions(results[Place.WIDE_TARGETS]))

    def _actions(self, made: Sequence[Done]) -> Iterator[Action]:
        buckets = self.inputs.manifest.buckets
        named = [done.result.blobs["targets"] for done in made if done.result.blobs]
        for targets in (None, *named):
            for key, blob in sorted(buckets.items()):
                yield scan.action(key, blob, targets)
        now = {blob.digest for blob in buckets.values()}
        before = {
            blob.digest: (key, blob)
            for table in self.inputs.earlier
            for key, blob in table.buckets.items()
            if blob.digest not in now
        }
        for done in made:
            if any(done.result.counts.get(kind) for kind in ("alias", "name")):
                for key, blob in sorted(before.values(), key=lambda each: (each[0], each[1].digest)):
                    yield scan.action(key, blob, done.result.blobs["targets"], names_only=True)


@dataclass(frozen=True)
class PlanStandingSignals:
    """One action if there is any list of signals: which of them stand."""

    inputs: Inputs

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        return [signals_standing.action(self.inputs.signals)] if self.inputs.signals else []


@dataclass(frozen=True)
class PlanSignals:
    """One action for each bucket if any signal stands."""

    inputs: Inputs

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        rules = [done.result.blobs["rules"] for done in results[Place.STANDING_SIGNALS] if done.result.blobs]
        return [
            signals.action(key, blob, each)
            for each in rules
            for key, blob in sorted(self.inputs.manifest.buckets.items())
        ]
