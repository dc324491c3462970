"""Join: one bucket's manifest, license ledger and opt-outs become facts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.actions import Action, Done, Stage
from pipelines.store.blobs import Blob
from pipelines.store.documents import digest
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather
from pipelines.store.store import Store
from transforms.domain.errors import IntegrityError
from transforms.domain.schemas import FACTS, LEDGER, MANIFEST, OPT_OUTS
from transforms.facts import MANIFEST_COLUMNS, OWN_COLUMNS, URL_COLUMNS, change_opt_outs, join_facts
from transforms.ledger import newest

_DICTIONARIES = (
    "source",
    "owner_id",
    "license",
    "media_type",
    "tags.list.element",
    "machine_tags.list.element",
)
_LEDGER_COLUMNS = ("row", "license", "visibility", "valid_to", "known_to")


@dataclass(frozen=True)
class Earlier:
    """A join of the same bucket in an earlier release.

    Attributes:
        key: of its memo, under this version of the code.
        but_opt_outs: a digest of its inputs other than opted-out owners and items.
        facts: what it came to.
    """

    key: str
    but_opt_outs: str
    facts: Blob

    @staticmethod
    def of(done: Done) -> Earlier:
        """What a later join needs to know of it."""
        return Earlier(STAGE.key(done.action), _but_opt_outs(done.action.inputs), done.result.blobs["facts"])


def _but_opt_outs(inputs: Mapping[str, Any]) -> str:
    return digest({**inputs, "opt_outs": None})


def action(
    bucket: int,
    manifest: Blob,
    ledger: Blob | None,
    opt_outs: Sequence[Slice],
    wide: Sequence[Blob],
    before: Earlier | None = None,
) -> Action:
    """Join a manifest bucket with what concerns it.

    Args:
        ledger: of its licenses; None if no snapshot says anything of them.
        opt_outs: owners of this bucket and items resolved to it.
        wide: URLs and tags, which concern every bucket.
        before: a hint, which changes what the action costs and not what it gives.
    """
    inputs = {
        "manifest": manifest.digest,
        "ledger": ledger.digest if ledger else None,
        "opt_outs": sorted({each.digest for each in opt_outs}),
        "wide": sorted({blob.digest for blob in wide}),
    }
    same = before is not None and before.but_opt_outs == _but_opt_outs(inputs)
    return Action(
        inputs=inputs,
        refs={
            **({"before": before.key} if before is not None and same else {}),
            "bucket": bucket,
            "manifest": manifest.to_json(),
            "ledger": ledger.to_json() if ledger else None,
            "opt_outs": [each.to_json() for each in opt_outs],
            "wide": [blob.to_json() for blob in wide],
        },
        weight=manifest.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The blob `facts`, row for row with the manifest bucket."""
    opt_outs = gather(store.blobs, [Slice.from_json(v) for v in action.refs["opt_outs"]], OPT_OUTS)
    facts = _changed(store, action, opt_outs.combine_chunks())
    if facts is None:
        facts = _joined(store, action, opt_outs)
    return Result({"facts": store.blobs.put_table(facts, FACTS)}, counts={"rows": len(facts)})


def _joined(store: Store, action: Action, opt_outs: pa.Table) -> pa.Table:
    """The facts, from nothing but the tables."""
    wide = [store.blobs.get_table(Blob.from_json(v), schema=OPT_OUTS) for v in action.refs["wide"]]
    concerns = pa.concat_tables([opt_outs, *wide])
    columns = list(MANIFEST_COLUMNS)
    if "url" in concerns["kind"].unique().to_pylist():
        columns += URL_COLUMNS
    return join_facts(_manifest(store, action, columns), _now(store, action), concerns.combine_chunks())


def _changed(store: Store, action: Action, opt_outs: pa.Table) -> pa.Table | None:
    """The facts, from those of an earlier join that differs in opted-out owners and items alone."""
    with contextlib.suppress(IntegrityError):  # it is a hint: the tables are there to be joined again
        result = store.memos.get(STAGE.name, action.refs["before"]) if "before" in action.refs else None
        if result is not None:
            texts = [field.name for field in FACTS if field.type == pa.string()]
            facts = store.blobs.get_table(result.blobs["facts"], schema=FACTS, dictionary=texts)
            return change_opt_outs(facts, _manifest(store, action, OWN_COLUMNS), opt_outs)
    return None


def _now(store: Store, action: Action) -> pa.Table:
    """What is known of the licenses now."""
    ledger = LEDGER.empty_table().select(_LEDGER_COLUMNS)
    if action.refs["ledger"]:
        blob = Blob.from_json(action.refs["ledger"])
        texts = ("license", "visibility")
        ledger = store.blobs.get_table(blob, _LEDGER_COLUMNS, schema=LEDGER, dictionary=texts)
    return newest(ledger)


def _manifest(store: Store, action: Action, columns: Sequence[str]) -> pa.Table:
    manifest = Blob.from_json(action.refs["manifest"])
    nested = [name for name in _DICTIONARIES if name.partition(".")[0] in columns]
    table = store.blobs.get_table(manifest, columns, schema=MANIFEST, dictionary=nested)
    return table.combine_chunks()


STAGE = Stage("Join", run)
