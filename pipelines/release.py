"""Release: a manifest, what is known of it on a day, and a policy become a published version.

::

    Resolve ─► Join ─► Cut ─► publish (completeness, conservation, gate, one version file)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines import code
from pipelines.actions import Action, Done
from pipelines.jobs import Job, Replay
from pipelines.publish import publish
from pipelines.runner import Runner
from pipelines.steps import cut, join, resolve
from pipelines.store.blobs import Blob
from pipelines.store.releases import PARTS, Release
from pipelines.store.routed import Slice
from pipelines.store.store import Store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS, Table, check_name
from transforms.domain.errors import IntegrityError, StateError
from transforms.domain.policy import Policy
from transforms.domain.reasons import REASONS
from transforms.domain.schemas import EXCLUDED, EXCLUSIONS, ITEMS, TALLIES

_LOOK_BACK = 16
"""Among so many of the newest releases one is looked for to copy from: a few policies may take turns."""


@dataclass(frozen=True)
class Inputs:
    """The tables that a release is made of."""

    manifest: Table
    licenses: tuple[Table, ...]
    opt_outs: tuple[Table, ...]
    as_of: str


def choose_inputs(
    store: Store, *, as_of: str | None, manifest: str | None = None, without_opt_outs: bool = False
) -> Inputs:
    """The newest manifest, and every license snapshot and opt-out list up to ``as_of``.

    Without ``as_of`` everything counts, and the newest date among it is the release's: no clock is read, so
    that cutting again tomorrow with nothing changed gives the same release.

    Raises:
        StateError: there is no manifest; or no opt-out list, and ``without_opt_outs`` does not say that this
            is meant.
    """
    chosen = store.tables.get(MANIFESTS, manifest) if manifest else store.tables.newest(MANIFESTS)
    if chosen is None:
        raise StateError(f"{store.url}: holds no manifest yet. Take one in: byleave ingest manifest --help")
    licenses, lists = (
        tuple(table for table in store.tables.all(kind) if as_of is None or table.date <= as_of)
        for kind in (LICENSES, OPT_OUTS)
    )
    if not lists and not without_opt_outs:
        until = f" received by {as_of}" if as_of else ""
        raise StateError(
            f"{store.url}: there is no opt-out list{until}. Take one in: byleave ingest opt-outs --help;"
            " or say that there is none: --without-opt-outs"
        )
    newest = as_of or max((table.date for table in (*licenses, *lists)), default="")
    return Inputs(chosen, licenses, lists, newest)


@dataclass(frozen=True)
class PlanResolve:
    """One action for each shard of license rows and opt-outs that name no owner."""

    inputs: Inputs
    buckets: int

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        return [
            resolve.action(
                table.digest, table.date, self.inputs.manifest.shards.get(shard), rows, self.buckets
            )
            for table, shard, rows in self._unowned()
        ]

    def _unowned(self) -> Iterable[tuple[Table, int, Blob | Slice]]:
        for table in self.inputs.licenses:
            for shard, blob in sorted(table.shards.items()):
                yield table, shard, blob
        for table in self.inputs.opt_outs:
            if "items" in table.routed:
                for shard, piece in table.routed["items"].slices():
                    yield table, shard, piece


@dataclass(frozen=True)
class PlanJoin:
    """One action for each bucket of the manifest."""

    inputs: Inputs

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        looks: dict[int, dict[str, list[Slice]]] = {}
        opt_outs: dict[int, list[Slice]] = {}
        for done in results[0]:
            for routed in done.result.routed["rows"]:
                for bucket, piece in routed.slices():
                    if done.action.refs["kind"] == "licenses":
                        table = done.action.refs["table"]
                        looks.setdefault(bucket, {}).setdefault(table, []).append(piece)
                    else:
                        opt_outs.setdefault(bucket, []).append(piece)
        for table in self.inputs.opt_outs:
            if "owners" in table.routed:
                for bucket, piece in table.routed["owners"].slices():
                    opt_outs.setdefault(bucket, []).append(piece)
        wide = [table.blobs["wide"] for table in self.inputs.opt_outs if "wide" in table.blobs]
        return [
            join.action(
                bucket,
                blob,
                [table.buckets[bucket] for table in self.inputs.licenses if bucket in table.buckets],
                list(looks.get(bucket, {}).values()),
                opt_outs.get(bucket, []),
                wide,
            )
            for bucket, blob in sorted(self.inputs.manifest.buckets.items())
        ]


@dataclass(frozen=True)
class PlanCut:
    """One action for each bucket of facts.

    Attributes:
        before: by bucket, facts of an earlier cut of the same manifest and policy, to copy from.
    """

    policy: Policy
    before: Mapping[int, Blob] = field(default_factory=dict)

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        return [
            cut.action(
                done.action.refs["bucket"],
                Blob.from_json(done.action.refs["manifest"]),
                done.result.blobs["facts"],
                self.policy,
                self.before.get(done.action.refs["bucket"]),
            )
            for done in results[1]
        ]


def release_job(
    store: Store, inputs: Inputs, policy: Policy, before: Mapping[int, Blob] | None = None
) -> Job:
    """The stages from tables to parts; for ``before`` see :class:`PlanCut`."""
    return Job(
        "release",
        (
            (resolve.STAGE, PlanResolve(inputs, store.dataset.buckets)),
            (join.STAGE, PlanJoin(inputs)),
            (cut.STAGE, PlanCut(policy, before or {})),
        ),
    )


def facts_before(store: Store, inputs: Inputs, policy: Policy) -> Mapping[int, Blob]:
    """By bucket, the facts of the newest release of this manifest and policy; reads documents and memos only.

    Empty if there is no such release among the last few, if its tables or memos are gone, or if it is of
    these very inputs, so that there is nothing to cut.
    """
    with contextlib.suppress(IntegrityError):  # it is a hint
        for version in reversed(store.releases.versions()[-_LOOK_BACK:]):
            premises = store.releases.get(version).content
            named = premises["inputs"]
            if named["manifest"]["digest"] != inputs.manifest.digest:
                continue
            if premises["policy"]["digest"] != policy.digest:
                continue
            licenses = store.tables.named(LICENSES, named["licenses"])
            opt_outs = store.tables.named(OPT_OUTS, named["opt_outs"])
            if licenses is None or opt_outs is None:
                break
            then = Inputs(inputs.manifest, licenses, opt_outs, inputs.as_of)
            if then == inputs:
                break
            earlier = release_job(store, then, policy)
            replay = Replay(store, Job(earlier.name, earlier.stages[:2]))
            joined = replay.results(1) if len(replay.advance()) == 2 else []
            return {done.action.refs["bucket"]: done.result.blobs["facts"] for done in joined}
    return {}


def cut_release(
    store: Store, inputs: Inputs, policy: Policy, version: str, runner: Runner
) -> tuple[Release, bool]:
    """The published release, and whether it is new. Nothing is visible until all of it is right.

    Raises:
        RefusedError: counts do not reconcile, or the gate found a row that meets an opt-out.
        StateError: the version is published, and is another release.
    """
    check_name(version, "version")
    premises = _premises(store, inputs, policy)
    _check_free(store, version, premises)
    job = release_job(store, inputs, policy, facts_before(store, inputs, policy))
    _, _, cuts = runner.run(store, job)
    release = Release(version, {**premises, "counts": _counts(cuts)}, _parts(cuts))
    return release, publish(store, release, inputs.manifest, inputs.opt_outs, cuts, runner.watch)


def _premises(store: Store, inputs: Inputs, policy: Policy) -> dict[str, Any]:
    """All that a release follows from. It holds no clock, no path and no count of workers."""
    return {
        "dataset": store.dataset.name,
        "key_rule": store.dataset.key_rule,
        "buckets": store.dataset.buckets,
        "purpose": policy.purpose,
        "policy": {**policy.as_dict(), "digest": policy.digest},
        "as_of": inputs.as_of,
        "inputs": {
            "manifest": _input(inputs.manifest),
            "licenses": [_input(table) for table in inputs.licenses],
            "opt_outs": [_input(table) for table in inputs.opt_outs],
        },
        "toolchain": code.toolchain(),
        "schema": {
            name: [[field.name, str(field.type), field.nullable] for field in schema]
            for name, schema in zip(PARTS, (ITEMS, EXCLUDED, TALLIES, EXCLUSIONS), strict=True)
        },
    }


def _check_free(store: Store, version: str, premises: Mapping[str, Any]) -> None:
    """Find out before the work whether the version is taken by a release of other premises."""
    existing = store.releases.find(version)
    if existing is not None:
        other = [name for name, value in premises.items() if existing.content.get(name) != value]
        if other:
            raise StateError(
                f"release {version!r} is published, and differs in: {', '.join(other)}. A version is"
                " published once: choose the next one"
            )


def _counts(cuts: Sequence[Done]) -> dict[str, Any]:
    names = ("rows", "kept", "excluded", "observed")
    counts = {name: sum(done.result.counts[name] for done in cuts) for name in names}
    first = {reason: sum(done.result.counts.get(f"first/{reason}", 0) for done in cuts) for reason in REASONS}
    return {**counts, "first_reason": {reason: count for reason, count in first.items() if count}}


def _parts(cuts: Sequence[Done]) -> dict[str, Mapping[int, Blob]]:
    return {
        name: {d.action.refs["bucket"]: d.result.blobs[name] for d in cuts if name in d.result.blobs}
        for name in PARTS
    }


def _input(table: Table) -> Mapping[str, Any]:
    return {"name": table.name, "date": table.date, "digest": table.digest, "rows": table.counts["rows"]}


@dataclass(frozen=True)
class Outlook:
    """What a cut would do.

    Attributes:
        stages: for each stage that can be planned: its actions, how many have no memo, rows to do.
        later: the stages that can be planned only when those are done.
    """

    stages: tuple[Mapping[str, Any], ...]
    later: tuple[str, ...]


def foresee(store: Store, inputs: Inputs, policy: Policy) -> Outlook:
    """How much of a cut is remembered. Reads memos only, and writes nothing."""
    job = release_job(store, inputs, policy)
    replay = Replay(store, job)
    stages = tuple(
        {
            "stage": each.stage,
            "actions": each.actions,
            "to_do": each.actions - each.actions_done,
            "rows_to_do": each.weight - each.weight_done,
        }
        for each in replay.advance()
    )
    return Outlook(stages, tuple(stage.name for stage, _ in job.stages[len(stages) :]))
