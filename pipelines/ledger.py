"""The license ledger of a manifest: built from the snapshots wherever it is not remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.release_inputs import Inputs
from pipelines.runner import Runner
from pipelines.store.blobs import Blob
from pipelines.store.store import Store


@dataclass(frozen=True)
class Ledger:
    """What is known of the licenses of a manifest's items.

    Attributes:
        buckets: by the keys of the manifest's buckets: blobs in `schemas.LEDGER`. A bucket of which no
            snapshot says anything has none.
        digest: of all of it: equal snapshots, in whatever order they came, give the same.
    """

    buckets: Mapping[int, Blob]
    digest: str


def ledger_of(store: Store, inputs: Inputs, runner: Runner, observers: Sequence[str] = ()) -> Ledger:
    """The ledger of the manifest and the license snapshots of ``inputs``; runs what is not remembered.

    Args:
        store: that holds them.
        inputs: of a release, or all that there is.
        runner: of the actions that are left to do.
        observers: the most trusted first: whose word rules where several speak of one day. Of those not
            named, the worse news rules.
    """
    raise NotImplementedError
