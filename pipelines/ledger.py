"""The license ledger of a manifest: built from the snapshots wherever it is not remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.actions import Stage
from pipelines.jobs import Job, Plan
from pipelines.leave_plans import PlanStanding
from pipelines.release_inputs import Inputs
from pipelines.release_plans import PlanLedger, PlanResolve
from pipelines.runner import Runner
from pipelines.steps import ledger, resolve, standing
from pipelines.store.blobs import Blob
from pipelines.store.documents import digest
from pipelines.store.store import Store


@dataclass(frozen=True)
class Ledger:
    """What is known of the licenses of a manifest's items.

    Attributes:
        buckets: by the keys of the manifest's buckets: blobs in `schemas.LEDGER`. A bucket of which no
            snapshot says anything has none.
        counts: `rows`, of how many `items`, and `events`: changes, as they are known now.
    """

    buckets: Mapping[int, Blob]
    counts: Mapping[str, int]

    @property
    def digest(self) -> str:
        """Of all of it: equal snapshots, in whatever order they came, give the same."""
        return digest({str(bucket): blob.digest for bucket, blob in self.buckets.items()})


def ledger_of(store: Store, inputs: Inputs, runner: Runner, observers: Sequence[str] = ()) -> Ledger:
    """The ledger of the manifest and the license snapshots of ``inputs``; runs what is not remembered.

    If everything is remembered Beam is not imported, and nothing is written.

    Args:
        store: that holds them.
        inputs: of a release, or all that there is.
        runner: of the actions that are left to do.
        observers: the most trusted first: whose word rules where several speak of one day. Of those not
            named, the worse news rules.
    """
    *_, written = runner.run(store, ledger_job(store, inputs, observers))
    return Ledger(
        {done.action.refs["bucket"]: done.result.blobs["ledger"] for done in written if done.result.blobs},
        {name: sum(done.result.counts[name] for done in written) for name in ("rows", "items", "events")},
    )


def ledger_job(store: Store, inputs: Inputs, observers: Sequence[str] = ()) -> Job:
    """The stages from license snapshots to the ledger: those of a release, without anybody's leave."""
    looks = replace(inputs, opt_outs=(), consents=(), aliases=(), detections=())
    return Job("ledger", ledger_stages(store, looks, observers))


def ledger_stages(store: Store, inputs: Inputs, observers: Sequence[str]) -> Sequence[tuple[Stage, Plan]]:
    """The first stages of a release: what stands, where it belongs, and what is known of licenses."""
    buckets = store.dataset.buckets
    return (
        (standing.STAGE, PlanStanding(inputs, buckets, store.dataset.shards)),
        (resolve.STAGE, PlanResolve(inputs, buckets)),
        (ledger.STAGE, PlanLedger(inputs, buckets, store.dataset.source, tuple(observers))),
    )
