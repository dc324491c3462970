"""Objections: who says no to a purpose on a day, read by the gate from the lists as they were received.

It is the rule of :mod:`transforms.standing` and :mod:`transforms.grants` written once more, for one purpose,
and shares no code with them: a mistake in either is a difference between the two, and nothing is published.
Of names and former ids it follows the alias lists to the owners whose they are.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.release_inputs import Inputs
from pipelines.store.store import Store
from pipelines.store.tables import Table
from pipelines.threads import in_threads
from transforms.domain import purposes, targets
from transforms.domain.schemas import ALIASES, CONSENTS, OPT_OUTS

SCHEMA = pa.schema([OPT_OUTS.field(name) for name in ("kind", "source", "key")])
"""The kind is one of :data:`targets.KINDS`, or with ``refused-`` before it that of a refused consent."""

_WHO_ASKED = ("kind", "source", "key", "origin", "requester")
_ENTRY = (*_WHO_ASKED, "purposes", "state", "received_on", "effective_on", "expires_on")
_WHO_SAID = ("kind", "source", "key", "given_by", "person")
_STATEMENT = (*_WHO_SAID, "purposes", "says", "received_on", "effective_on")
_CALLED = ("kind", "source", "key", "owner_id")


def objections(store: Store, inputs: Inputs, purpose: str) -> pa.Table:
    """All that says no to ``purpose`` on the day of ``inputs``, in :data:`SCHEMA`: distinct and sorted.

    Tags that say no by themselves are among it where the purpose is one that they speak of.
    """
    asked = _entries(store, inputs.opt_outs, OPT_OUTS, _ENTRY, purpose, inputs.as_of)
    said = _entries(store, inputs.consents, CONSENTS, _STATEMENT, purpose, inputs.as_of)
    no = standing(asked, inputs.as_of)
    spoken_of = "computer-vision" in purposes.broader_or_same(purpose)
    tags = targets.TAGS_THAT_SAY_NO if spoken_of else ()
    itself = pa.table(
        {"kind": ["tag"] * len(tags), "source": [None] * len(tags), "key": list(tags)}, schema=SCHEMA
    )
    every = [
        no,
        of_owners(no, _read(store, inputs.aliases, ALIASES, _CALLED)),
        refused(said, purpose),
        itself,
    ]
    distinct = pa.concat_tables(every).group_by(SCHEMA.names, use_threads=False).aggregate([])
    return distinct.sort_by([(name, "ascending") for name in SCHEMA.names]).combine_chunks()


def _entries(
    store: Store, lists: Sequence[Table], schema: pa.Schema, columns: Sequence[str], purpose: str, as_of: str
) -> pa.Table:
    """Of all lists what is in effect by the day, and is a no to the purpose, or says anything of it."""

    def speaking(rows: pa.Table) -> pa.Table:
        day = _day(as_of)
        known = pc.and_(pc.less_equal(rows["received_on"], day), pc.less_equal(rows["effective_on"], day))
        return rows.filter(pc.and_(known, pa.array(_speaks(rows, purposes.broader_or_same(purpose)))))

    return _read(store, lists, schema, columns, speaking)


def _read(
    store: Store,
    lists: Sequence[Table],
    schema: pa.Schema,
    columns: Sequence[str],
    some: Callable[[pa.Table], pa.Table] = lambda rows: rows,
) -> pa.Table:
    """Columns of all lists, of each of them ``some`` rows."""

    def read(each: Table) -> pa.Table:
        return some(store.blobs.get_table(each.blobs["entries"], columns, schema=schema))

    empty = pa.schema([schema.field(name) for name in columns]).empty_table()
    return pa.concat_tables([empty, *in_threads(read, lists, store.rows_at_once)]).combine_chunks()


def _day(text: str) -> pa.Scalar:
    return pa.scalar(datetime.date.fromisoformat(text), pa.date32())


def _speaks(rows: pa.Table, of: Sequence[str]) -> npt.NDArray[np.bool_]:
    return (rows["purposes"].to_numpy() & np.uint16(purposes.bits_of(of))) != 0


def standing(asked: pa.Table, as_of: str) -> pa.Table:
    """The targets of which an opt-out stands.

    Args:
        asked: entries in effect that speak to one purpose.
        as_of: ISO date.
    """
    withdrawn = asked.filter(pc.equal(asked["state"], "withdrawn"))
    active = asked.filter(pc.equal(asked["state"], "active"))
    if not len(active):
        return SCHEMA.empty_table()
    active = active.filter(pc.greater(active["expires_on"], _day(as_of)).fill_null(True))
    who = _named(withdrawn, _WHO_ASKED).dictionary_encode()
    last = np.full(len(who.dictionary) + 1, np.iinfo(np.int32).min)  # and of those who withdrew nothing
    np.maximum.at(last, who.indices.to_numpy(), withdrawn["received_on"].cast(pa.int32()).to_numpy())
    place = pc.index_in(_named(active, _WHO_ASKED), who.dictionary).fill_null(len(last) - 1)
    stands = active["received_on"].cast(pa.int32()).to_numpy() >= last[place.to_numpy()]
    return active.filter(pa.array(stands)).select(SCHEMA.names).cast(SCHEMA)


def of_owners(asked: pa.Table, called: pa.Table) -> pa.Table:
    """The owners whom what is asked for leads to: by a name, or an id that they had before, or step by step.

    Args:
        asked: in :data:`SCHEMA`.
        called: columns kind, source, key and owner_id of :data:`schemas.ALIASES`.
    """
    owners = pa.table([pa.repeat("owner", len(called)), called["source"], called["owner_id"]], schema=SCHEMA)
    whose, leads_to = _named(called, SCHEMA.names), _named(owners, SCHEMA.names)
    few = asked.filter(pc.is_in(asked["key"], called["key"].combine_chunks()))  # most are ids that nobody had
    reached = pc.is_in(whose, _named(few, SCHEMA.names))
    while True:  # a name leads to an owner, who may have another id today
        further = pc.or_(reached, pc.is_in(whose, leads_to.filter(reached)))
        if further.equals(reached):
            return owners.filter(reached)
        reached = further


def refused(said: pa.Table, purpose: str) -> pa.Table:
    """The items and owners of which a giver's last word on the purpose, or a broader one, is a refusal.

    Args:
        said: statements in effect.
        purpose: of the release.
    """
    found = [SCHEMA.empty_table()]
    for each in purposes.broader_or_same(purpose):
        about = said.filter(pa.array(_speaks(said, [each])))
        who = _named(about, _WHO_SAID).dictionary_encode()
        worst_last = pc.index_in(about["says"], pa.array(["grant", "revoke", "refuse"])).to_numpy()
        order = np.lexsort([worst_last, about["received_on"].cast(pa.int32()).to_numpy()])
        last = np.full(len(who.dictionary), -1)
        last[who.indices.to_numpy()[order]] = order  # of several at one place the last one stays
        words = about.take(pa.array(last))
        words = words.filter(pc.equal(words["says"], "refuse")).select(SCHEMA.names)
        kinds = pc.binary_join_element_wise("refused", words["kind"], "-")
        found.append(words.set_column(0, SCHEMA.field(0), kinds).cast(SCHEMA))
    return pa.concat_tables(found)


def _named(rows: pa.Table, columns: Sequence[str]) -> pa.Array:
    """One text for each combination of values, in which a null is like no text that a list can hold."""
    texts = [rows[name].cast(pa.string()) for name in columns]
    joined = pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace", null_replacement="\x1e")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
