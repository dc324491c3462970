"""Consents: read one list of consents into entries of the ledger of leave."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.raw import inputs
from pipelines.requesterkey import id_of, read_same
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain.schemas import CONSENTS
from transforms.formats.consents.reading import merge_consents, read_consents
from transforms.formats.optouts.entries import Received

COUNTS = {"grant": "grants", "refuse": "refusals", "revoke": "revocations"}
"""What the count of each kind of statement is called."""


def action(files: Sequence[inputs.Split], *, source: str, received_on: str, key_file: str = "") -> Action:
    """Read ``files`` as one list, received on a day.

    Args:
        files: the list; each file is in a form of its own.
        source: the platform whose ids it means.
        received_on: ISO date.
        key_file: where the key for persons lies. Which key it is goes into the action, and no more.

    Raises:
        ConfigError: the key cannot be read.
    """
    return Action(
        inputs={
            "files": sorted(split.sha256 for split in files),
            "source": source,
            "received_on": received_on,
            "key": id_of(key_file),
        },
        refs={"files": [split.to_json() for split in files], "key_file": key_file},
        weight=sum(split.length_bytes for split in files),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `entries`; counts of entries, and by `turn/<date>` on which days an entry begins or ends."""
    key = read_same(action.refs["key_file"], action.inputs["key"])
    day, source = datetime.date.fromisoformat(action.inputs["received_on"]), action.inputs["source"]
    splits = [inputs.Split.from_json(value) for value in action.refs["files"]]
    entries = merge_consents(
        [read_consents(inputs.read_whole(each), Received(each.path, source, day, key=key)) for each in splits]
    )
    said = Counter(entries["says"].to_pylist())
    return Result(
        {"entries": store.blobs.put_table(entries, CONSENTS)},
        counts={
            "rows": len(entries),
            **{name: said[word] for word, name in COUNTS.items()},
            **{f"turn/{turn}": 1 for turn in _turns(entries, day)},
        },
    )


def _turns(entries: pa.Table, day: datetime.date) -> list[datetime.date]:
    """The dates after ``day`` on which an entry begins or ceases to count."""
    dates = pa.chunked_array([*entries["effective_on"].chunks, *entries["expires_on"].chunks], pa.date32())
    return sorted(dates.filter(pc.greater(dates, day)).unique().to_pylist())


STAGE = Stage("Consents", run)
