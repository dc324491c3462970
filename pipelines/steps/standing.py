"""Standing: all entries of all lists become what stands on a day, sent to where it can be honored."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Routed, route
from pipelines.store.store import Store
from pipelines.store.tables import Table
from transforms import standing
from transforms.domain import keys
from transforms.domain.schemas import ALIASES, CONSENTS, LEAVE, OPT_OUTS
from transforms.domain.targets import FLICKR

_SCHEMAS = {"opt_outs": OPT_OUTS, "consents": CONSENTS, "aliases": ALIASES}


def action(
    opt_outs: Sequence[Table],
    consents: Sequence[Table],
    aliases: Sequence[Table],
    *,
    buckets: int,
    shards: int,
    as_of: str,
    shown: bool = False,
) -> Action:
    """What stands as of a day, of lists that were all received by then; there is at least one.

    Of the day enters only the last one on which anything came, began or ended: a release of any day until the
    next of these resolves nothing again. With ``shown`` rows of other platforms may show what is Flickr's.
    """
    lists = [*opt_outs, *consents, *aliases]
    turned = [turn for each in lists for turn in each.turns if turn <= as_of]
    ledgers = {"opt_outs": opt_outs, "consents": consents, "aliases": aliases}
    blobs = {name: [each.blobs["entries"] for each in some] for name, some in ledgers.items()}
    return Action(
        inputs={
            **{name: sorted({blob.digest for blob in some}) for name, some in blobs.items()},
            "on": max([each.date for each in lists] + turned),
            "buckets": buckets,
            "shards": shards,
            **({"shown": True} if shown else {}),
        },
        refs={name: [blob.to_json() for blob in some] for name, some in blobs.items()},
        weight=sum(blob.rows for some in blobs.values() for blob in some),
    )


def run(store: Store, action: Action) -> Result:
    """Rows of :data:`schemas.LEAVE`: `owners` routed by home, `items` by item; the others as blob `wide`.

    Opt-outs of Flickr's items and owners are among `wide` too where rows may show these. What there is none
    of is absent.
    """
    on = datetime.date.fromisoformat(action.inputs["on"])
    consents = pa.concat_tables(_read(store, action, "consents", standing.CONSENT_COLUMNS))
    aliases = pa.concat_tables(_read(store, action, "aliases", standing.ALIAS_COLUMNS))
    leave = standing.standing(_opt_outs(store, action), consents, aliases, on)
    at_home = {kind: leave.filter(pc.equal(leave["kind"], kind)) for kind in ("owner", "item")}
    anywhere = pc.invert(pc.is_in(leave["kind"], pa.array(list(at_home))))
    if "shown" in action.inputs:
        flickrs = pc.equal(leave["source"], FLICKR).fill_null(False)
        anywhere = pc.or_(anywhere, pc.and_(flickrs, pc.not_equal(leave["no"], 0)))
    wide = leave.filter(anywhere)
    blobs = {"wide": store.blobs.put_table(wide, LEAVE)} if len(wide) else {}
    routed: dict[str, tuple[Routed, ...]] = {}
    for kind, rows in at_home.items():
        if len(rows):
            source, key = (rows[name].combine_chunks() for name in ("source", "key"))
            hashes = keys.home_hash(source, key, key) if kind == "owner" else keys.item_hash(source, key)
            places = keys.bucket_of(hashes, action.inputs["buckets" if kind == "owner" else "shards"])
            routed[f"{kind}s"] = (route(store.blobs, rows, places, name_rows=True),)
    counts = {f"{kind}s": len(rows) for kind, rows in at_home.items()}
    return Result(blobs, routed, {"rows": len(leave), **counts, "wide": len(wide)})


def _opt_outs(store: Store, action: Action) -> pa.Table:
    """What is read of all opt-out lists, one after another, and of it no more than is needed."""
    some = pa.concat_tables(_read(store, action, "opt_outs", ("key", "state")))
    keys = standing.withdrawn_keys(some)
    del some
    lists = _read(store, action, "opt_outs", standing.OPT_OUT_COLUMNS)
    return pa.concat_tables(standing.forget_askers(each, keys) for each in lists)


def _read(store: Store, action: Action, ledger: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of each list of a kind, behind an empty one."""
    schema = _SCHEMAS[ledger]
    yield schema.empty_table().select(columns)
    for value in action.refs[ledger]:
        yield store.blobs.get_table(Blob.from_json(value), columns, schema=schema)


STAGE = Stage("Standing", run)
