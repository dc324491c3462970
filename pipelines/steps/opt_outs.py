"""OptOuts: read one opt-out list into entries of the ledger of leave."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pyarrow as pa

from pipelines.actions import Action, Stage
from pipelines.raw import inputs
from pipelines.requesterkey import id_of, read_same
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain import schemas
from transforms.domain.targets import KINDS
from transforms.formats.optouts.entries import Received, merge_lists, turns_of
from transforms.formats.optouts.reading import read_list


def action(
    files: Sequence[inputs.Split],
    *,
    source: str,
    received_on: str,
    purposes: int | None = None,
    origin: str | None = None,
    key_file: str = "",
) -> Action:
    """Read ``files`` as one list, received on a day.

    Args:
        files: the list; each file is in a form of its own.
        source: the platform whose ids it means.
        received_on: ISO date.
        purposes: the bit set of entries that name none.
        origin: through whom entries came that do not say it.
        key_file: where the key for requesters lies. Which key it is goes into the action, and no more.

    Raises:
        ConfigError: the key cannot be read.
    """
    return Action(
        inputs={
            "files": sorted(split.sha256 for split in files),
            "source": source,
            "received_on": received_on,
            "purposes": purposes,
            "origin": origin,
            "key": id_of(key_file),
        },
        refs={"files": [split.to_json() for split in files], "key_file": key_file},
        weight=sum(split.length_bytes for split in files),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `entries`; counts of entries by kind and state, and by `turn/<date>` how many turn then."""
    key = read_same(action.refs["key_file"], action.inputs["key"])
    lists = []
    for value in action.refs["files"]:
        split = inputs.Split.from_json(value)
        received = Received(
            place=split.path,
            source=action.inputs["source"],
            received_on=datetime.date.fromisoformat(action.inputs["received_on"]),
            purposes=action.inputs["purposes"],
            origin=action.inputs["origin"],
            key=key,
        )
        lists.append(read_list(inputs.read_whole(split), received))
    entries = merge_lists(lists)
    turns = turns_of(entries, datetime.date.fromisoformat(action.inputs["received_on"]))
    return Result(
        {"entries": store.blobs.put_table(entries, schemas.OPT_OUTS)},
        counts={**counts_of(entries), **{f"turn/{day}": 1 for day in turns}},
    )


def counts_of(entries: pa.Table) -> dict[str, int]:
    """How many entries there are: in all, active ones by kind, and those of the other states."""
    found = {
        (each["kind"], each["state"]): each["count_all"]
        for each in entries.group_by(["kind", "state"]).aggregate([([], "count_all")]).to_pylist()
    }
    return {
        "rows": len(entries),
        **{count: found.get((kind, "active"), 0) for kind, count in KIND_COUNTS.items()},
        **{
            state: sum(count for (_, of), count in found.items() if of == state)
            for state in ("held", "withdrawn")
        },
    }


KIND_COUNTS = {kind: "aliases" if kind == "alias" else f"{kind}s" for kind in KINDS}
"""What the count of each kind's active entries is called."""

STAGE = Stage("OptOuts", run)
