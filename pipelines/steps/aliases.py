"""Aliases: read one history of owners' names and former ids."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence

from pipelines.actions import Action, Stage
from pipelines.raw import inputs
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain.schemas import ALIASES
from transforms.formats.aliases import merge_aliases, read_aliases

COUNTS = {"alias": "aliases", "name": "names", "owner": "former_ids"}
"""What the count of each kind of key is called."""


def action(files: Sequence[inputs.Split], *, source: str, observed_on: str) -> Action:
    """Read ``files`` as one history, made on a day."""
    return Action(
        inputs={
            "files": sorted(split.sha256 for split in files),
            "source": source,
            "observed_on": observed_on,
        },
        refs={"files": [split.to_json() for split in files]},
        weight=sum(split.length_bytes for split in files),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `entries`, and counts of them by kind."""
    day, source = datetime.date.fromisoformat(action.inputs["observed_on"]), action.inputs["source"]
    splits = [inputs.Split.from_json(value) for value in action.refs["files"]]
    entries = merge_aliases(
        [
            read_aliases(inputs.read_whole(each), place=each.path, source=source, observed_on=day)
            for each in splits
        ]
    )
    of_kind = Counter(entries["kind"].to_pylist())
    return Result(
        {"entries": store.blobs.put_table(entries, ALIASES)},
        counts={"rows": len(entries), **{name: of_kind[kind] for kind, name in COUNTS.items()}},
    )


STAGE = Stage("Aliases", run)
