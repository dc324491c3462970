"""SignalsList: evidence of what machine-readable sources said becomes one list of signals."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from pipelines.actions import Action, Stage
from pipelines.raw import inputs
from pipelines.raw.sites import Found
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain import schemas
from transforms.formats.signals import Document, read_signals


def action(
    found: Sequence[Found], splits: Sequence[inputs.Split], *, source: str, agent: str, observed_on: str
) -> Action:
    """Read files of evidence, each of them one split, as what was observed until a day."""
    pairs = zip(found, splits, strict=True)
    files = sorted(
        ([each.role, each.host, split.sha256, split.to_json()] for each, split in pairs),
        key=lambda file: file[:3],
    )
    return Action(
        inputs={
            "files": [file[:3] for file in files],
            "source": source,
            "agent": agent,
            "observed_on": observed_on,
        },
        refs={"files": files},
        weight=sum(split.length_bytes for split in splits),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `entries`, and what it counts: see :func:`transforms.formats.signals.read_signals`."""
    documents = []
    for role, host, _, value in action.refs["files"]:
        split = inputs.Split.from_json(value)
        documents.append(Document(split.path, role, host, inputs.read_whole(split)))
    entries, counts = read_signals(
        documents,
        source=action.inputs["source"],
        agent=action.inputs["agent"],
        observed_on=datetime.date.fromisoformat(action.inputs["observed_on"]),
    )
    return Result({"entries": store.blobs.put_table(entries, schemas.SIGNALS)}, counts=counts)


STAGE = Stage("SignalsList", run)
