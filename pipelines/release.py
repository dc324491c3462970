"""Release: a manifest, what is known of it on a day, and a policy become a published version.

::

    Standing ─► Resolve ─► Ledger ─► Join ─► Cut ─► Tally ─► publish
    WideTargets ─► Scan ────────────►┤               completeness, conservation, gate, one version file
    StandingSignals ─► Signals ─────►┘
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipelines import code
from pipelines.actions import Done
from pipelines.jobs import Job, Replay
from pipelines.leave_plans import PlanScan, PlanSignals, PlanStandingSignals, PlanWideTargets
from pipelines.ledger import ledger_stages
from pipelines.publish import publish
from pipelines.release_inputs import OTHERS, Inputs, inputs_of
from pipelines.release_plans import PlanCut, PlanJoin, PlanTally
from pipelines.runner import Runner
from pipelines.stage_order import Place
from pipelines.steps import cut, join, scan, signals, signals_standing, tally, wide_targets
from pipelines.store.blobs import Blob
from pipelines.store.probe import probe
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import Store
from pipelines.store.tables import Table, check_name
from transforms.domain import subbuckets
from transforms.domain.errors import IntegrityError, StateError
from transforms.domain.policy import Policy
from transforms.domain.reasons import REASONS
from transforms.domain.schemas import EXCLUDED, EXCLUSIONS, ITEMS, TALLIES

_LOOK_BACK = 16
"""Among so many of the newest releases one is looked for to copy from: a few policies may take turns."""


def release_job(
    store: Store, inputs: Inputs, policy: Policy, before: Mapping[int, join.Earlier] | None = None
) -> Job:
    """The stages from tables to parts, each at its place; for ``before`` see :func:`joined_before`."""
    buckets = store.dataset.buckets
    return Job(
        "release",
        (
            *ledger_stages(store, inputs, policy.observers),
            (wide_targets.STAGE, PlanWideTargets(inputs)),
            (scan.STAGE, PlanScan(inputs)),
            (signals_standing.STAGE, PlanStandingSignals(inputs)),
            (signals.STAGE, PlanSignals(inputs)),
            (join.STAGE, PlanJoin(inputs, buckets, before or {})),
            (cut.STAGE, PlanCut(policy, buckets, before or {})),
            (tally.STAGE, PlanTally(buckets)),
        ),
        frozenset(_idle(inputs, buckets)),
    )


def _idle(inputs: Inputs, buckets: int) -> Iterator[Place]:
    if not PlanWideTargets(inputs)(()):
        yield Place.WIDE_TARGETS
    if not inputs.signals:
        yield from (Place.STANDING_SIGNALS, Place.SIGNALS)
    if not any(subbuckets.is_divided(key, buckets) for key in inputs.manifest.buckets):
        yield Place.TALLY


def joined_before(store: Store, inputs: Inputs, policy: Policy) -> Mapping[int, join.Earlier]:
    """By bucket, the join of the newest release of this manifest and policy; reads documents and memos only.

    Join and Cut copy from it what did not change. Empty if there is no such release among the last few, if
    its tables or memos are gone, or if it is of these very inputs, so that there is nothing to do.
    """
    with contextlib.suppress(StateError, IntegrityError):  # it is a hint
        for version in reversed(store.releases.versions()[-_LOOK_BACK:]):
            release = store.releases.get(version)
            made_of = release.content["inputs"]["manifest"]["digest"], release.content["policy"]["digest"]
            if made_of != (inputs.manifest.digest, policy.digest):
                continue
            then = inputs_of(store, release)
            if then == inputs:
                break
            earlier, stages = release_job(store, then, policy), Place.JOIN + 1
            replay = Replay(store, Job(earlier.name, earlier.stages[:stages]))
            joined = replay.results(Place.JOIN) if len(replay.advance()) == stages else []
            return {done.action.refs["bucket"]: join.Earlier.of(done) for done in joined}
    return {}


def cut_release(
    store: Store,
    inputs: Inputs,
    policy: Policy,
    version: str,
    runner: Runner,
    *,
    before_commit: Callable[[], None] | None = None,
) -> tuple[Release, bool]:
    """The published release, and whether it is new. Nothing is visible until all of it is right.

    Args:
        store: to publish in.
        inputs: the tables it is made of.
        policy: what is kept of them.
        version: under which it is published.
        runner: of the actions that are left to do.
        before_commit: called last; if it raises, nothing is published.

    Raises:
        RefusedError: counts do not reconcile, or the gate found a row that meets an opt-out.
        StateError: the version is published, and is another release.
    """
    check_name(version, "version")
    premises = premises_of(store, inputs, policy)
    if not _is_published(store, version, premises):
        probe(store.backend)
    job = release_job(store, inputs, policy, joined_before(store, inputs, policy))
    *_, cuts, tallied = runner.run(store, job)
    release = Release(version, {**premises, "counts": _counts(cuts)}, _parts([*cuts, *tallied]))
    new = publish(store, release, inputs, cuts, runner.watch, before_commit=before_commit)
    return release, new


def premises_of(store: Store, inputs: Inputs, policy: Policy) -> dict[str, Any]:
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
            **{name: [_input(table) for table in getattr(inputs, name)] for name in OTHERS},
        },
        "toolchain": code.toolchain(),
        "schema": {
            name: [[field.name, str(field.type), field.nullable] for field in schema]
            for name, schema in zip(PARTS, (ITEMS, EXCLUDED, TALLIES, EXCLUSIONS), strict=True)
        },
    }


def _is_published(store: Store, version: str, premises: Mapping[str, Any]) -> bool:
    """Find out before the work whether the version is taken, and refuse one of other premises."""
    existing = store.releases.find(version)
    if existing is None:
        return False
    other = [name for name, value in premises.items() if existing.content.get(name) != value]
    if other:
        raise StateError(
            f"release {version!r} is published, and differs in: {', '.join(other)}. A version is"
            " published once: choose the next one"
        )
    return True


def _counts(cuts: Sequence[Done]) -> dict[str, Any]:
    names = ("rows", "kept", "excluded", "observed", "signals_stale")
    counts = {name: sum(done.result.counts[name] for done in cuts) for name in names}
    first = {reason: sum(done.result.counts.get(f"first/{reason}", 0) for done in cuts) for reason in REASONS}
    return {**counts, "first_reason": {reason: count for reason, count in first.items() if count}}


def _parts(made: Sequence[Done]) -> dict[str, Mapping[int, Blob]]:
    return {
        name: {d.action.refs["bucket"]: d.result.blobs[name] for d in made if name in d.result.blobs}
        for name in PARTS
    }


def _input(table: Table) -> Mapping[str, Any]:
    return {"name": table.name, "date": table.date, "digest": table.digest, "rows": table.counts["rows"]}
