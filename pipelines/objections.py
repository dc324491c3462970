"""Objections: who says no to a purpose on a day, read by the gate from the lists as they were received.

It is the rule of :mod:`transforms.standing` and :mod:`transforms.grants` written once more, for one purpose,
and shares no code with them: a mistake in either is a difference between the two, and nothing is published.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.store.store import Store
from pipelines.store.tables import Table
from pipelines.threads import in_threads
from transforms.domain import purposes, targets
from transforms.domain.schemas import CONSENTS, OPT_OUTS

SCHEMA = pa.schema([OPT_OUTS.field(name) for name in ("kind", "source", "key")])
"""The kind is one of :data:`targets.KINDS`, or with ``refused-`` before it that of a refused consent."""

_WHO_ASKED = ("kind", "source", "key", "origin", "requester")
_ENTRY = (*_WHO_ASKED, "purposes", "state", "received_on", "effective_on", "expires_on")
_WHO_SAID = ("kind", "source", "key", "given_by", "person")
_STATEMENT = (*_WHO_SAID, "purposes", "says", "received_on", "effective_on")


def objections(
    store: Store, opt_outs: Sequence[Table], consents: Sequence[Table], purpose: str, as_of: str
) -> pa.Table:
    """All that says no to ``purpose`` on the day ``as_of``, in :data:`SCHEMA`: distinct and sorted.

    Tags that say no by themselves are among it where the purpose is one that they speak of.
    """
    asked = _entries(store, opt_outs, OPT_OUTS, _ENTRY, purpose, as_of)
    said = _entries(store, consents, CONSENTS, _STATEMENT, purpose, as_of)
    spoken_of = "computer-vision" in purposes.broader_or_same(purpose)
    tags = targets.TAGS_THAT_SAY_NO if spoken_of else ()
    itself = pa.table(
        {"kind": ["tag"] * len(tags), "source": [None] * len(tags), "key": list(tags)}, schema=SCHEMA
    )
    every = [standing(asked, as_of), refused(said, purpose), itself]
    distinct = pa.concat_tables(every).group_by(SCHEMA.names, use_threads=False).aggregate([])
    return distinct.sort_by([(name, "ascending") for name in SCHEMA.names]).combine_chunks()


def _entries(
    store: Store, lists: Sequence[Table], schema: pa.Schema, columns: Sequence[str], purpose: str, as_of: str
) -> pa.Table:
    """Of all lists what is in effect by the day, and is a no to the purpose, or says anything of it."""

    def read(each: Table) -> pa.Table:
        rows = store.blobs.get_table(each.blobs["entries"], columns, schema=schema)
        day = _day(as_of)
        known = pc.and_(pc.less_equal(rows["received_on"], day), pc.less_equal(rows["effective_on"], day))
        return rows.filter(pc.and_(known, pa.array(_speaks(rows, purposes.broader_or_same(purpose)))))

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
