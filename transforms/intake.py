"""The rules of intake: what of a list waits for a person, and what bytes an opted-out item stands for.

Pure: entries and what they would remove in, entries out. A request that is *held* is in the ledger, is
listed, and removes nothing until somebody says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import ConfigError
from transforms.domain.schemas import OPT_OUTS
from transforms.domain.texts import encode
from transforms.weigh import TARGETS

FEW_ENTRIES = 100
"""A list that differs from its last version by no more entries than these is never held for it."""

_BY_NAME = ("alias", "name")
_OF_A_SOURCE = ("item", "owner")

_Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rules:
    """What is held.

    Attributes:
        max_share: of the manifest's items that one request may meet.
        max_growth: of a list over its last version, as a share of that.
        max_shrink: likewise.
        only_items: take an opted-out item for itself, and not for its bytes.
        few_items: a request that meets no more is not held for its share, which is large in a small manifest.
    """

    max_share: float = 0.001
    max_growth: float = 0.5
    max_shrink: float = 0.5
    only_items: bool = False
    few_items: int = 1_000

    def __post_init__(self) -> None:
        most = {"max_share": 1.0, "max_growth": math.inf, "max_shrink": 1.0}
        faults = [
            f"--{name.replace('_', '-')} {value:g}: use a share from 0" + (" to 1" if most[name] == 1 else "")
            for name in most
            for value in [getattr(self, name)]
            if not 0 <= value <= most[name]
        ]
        if faults:
            raise ConfigError("\n".join(faults))

    def drift(self, before: int, now: int) -> str:
        """Why a list of ``now`` entries is held whose last version had ``before``; empty where it is not."""
        if abs(now - before) <= FEW_ENTRIES:
            return ""
        if now > before * (1 + self.max_growth):
            return f"the list grew from {before:,} to {now:,} entries"
        if now < before * (1 - self.max_shrink):
            return f"the list shrank from {before:,} to {now:,} entries"
        return ""


def targets_of(entries: pa.Table) -> pa.Table:
    """The distinct targets that are to be weighed, in :data:`weigh.TARGETS`, sorted.

    Of what is withdrawn, which registries do by the thousand, only items: their bytes are withdrawn too.
    """
    item = pc.equal(entries["kind"], "item")
    entries = entries.filter(pc.or_(item, pc.not_equal(entries["state"], "withdrawn")))
    asked = entries.set_column(entries.schema.get_field_index("source"), "source", _source(entries))
    distinct = asked.select(TARGETS.names).group_by(TARGETS.names, use_threads=False).aggregate([])
    places = pc.sort_indices(distinct, sort_keys=[(name, "ascending") for name in TARGETS.names])
    return distinct.take(places).cast(TARGETS).combine_chunks()


def with_contents(entries: pa.Table, weights: pa.Table, manifest: str) -> pa.Table:
    """The entries that opt out the bytes of the items that ``entries`` opt out, or take that back.

    Args:
        entries: in ``schemas.OPT_OUTS``, with more columns or not.
        weights: in :data:`weigh.WEIGHTS`: of the items among them, with the content hashes of the manifest.
        manifest: its name, which goes into `evidence`.

    Returns:
        A table as ``entries`` is, kind `content`, one for each hash of each item that has one: request,
        purposes, state, dates, origin and requester are those of the item's entry, as are `raw` and the rest.
    """
    is_item = pc.equal(entries["kind"], "item")
    items = entries.filter(pc.and_(is_item, pc.is_in(entries["state"], pa.array(["active", "withdrawn"]))))
    at = _find(items, weights)
    derived = [entries.schema.empty_table()]
    for column, algorithm in (("content_md5", "md5"), ("content_sha256", "sha256")):
        found = weights[column].combine_chunks().take(pa.array(at, mask=at < 0))
        known = items.filter(found.is_valid())
        note = pc.binary_join_element_wise("content of item ", known["key"], f" in manifest {manifest}", "")
        evidence = pc.binary_join_element_wise(known["evidence"], note, "; ", null_handling="skip")
        changed = {
            "kind": pa.repeat("content", len(known)),
            "source": pa.nulls(len(known), pa.string()),
            "key": pc.binary_join_element_wise(algorithm, pc.ascii_lower(found.drop_null()), ":"),
            "evidence": evidence,
        }
        columns = [changed.get(name, known[name]) for name in entries.column_names]
        derived.append(pa.table(columns, schema=entries.schema))
    return pa.concat_tables(derived).combine_chunks()


def without_bytes(targets: pa.Table, weights: pa.Table) -> pa.Table:
    """Those of ``targets``, in :data:`weigh.TARGETS`, of which ``weights`` tell no content hash."""
    told = pc.or_(weights["content_md5"].is_valid(), weights["content_sha256"].is_valid())
    return targets.filter(pa.array(_find(targets, weights.filter(told)) < 0)).combine_chunks()


def hold(entries: pa.Table, weights: pa.Table, items: int, rules: Rules, *, whole: str = "") -> pa.Table:
    """``entries``, with those `held` that are active and have to wait for a person.

    Args:
        entries: in ``schemas.OPT_OUTS``. What is held or withdrawn already stays as it is.
        weights: in :data:`weigh.WEIGHTS`: of all of the manifest.
        items: how many the manifest has; 0 if there is none, so that no share is known.
        rules: of the intake.
        whole: why the list is held as a whole; empty where it is not.

    Returns:
        The same rows in the same order. `held_for` of one that is held says why.
    """
    why = pa.nulls(len(entries), pa.string())
    for column, asked in (("requester", "its requester's requests meet "), ("request", "its request meets ")):
        met = _together(entries, weights, column)
        too_many = met > max(rules.max_share * items, rules.few_items)
        share = _said(asked, met, f" of {items} items, a larger share than {rules.max_share:g}")
        why = pc.if_else(pa.array(too_many), share, why)
    owners = _each(entries, weights, "owners")
    by_name = pc.is_in(entries["kind"], pa.array(_BY_NAME)).to_numpy(zero_copy_only=False)
    several = _said("the name of ", owners, " owners: it does not say whose")
    why = pc.if_else(pa.array(by_name & (owners > 1)), several, why)
    if whole:
        why = pa.repeat(whole, len(entries))
    held = pc.and_(pc.equal(entries["state"], "active"), why.is_valid())
    columns = {
        "state": pc.if_else(held, "held", entries["state"]),
        "held_for": pc.if_else(held, why, entries["held_for"]),
    }
    return pa.table([columns.get(name, entries[name]) for name in OPT_OUTS.names], schema=OPT_OUTS)


def told(entries: pa.Table, weights: pa.Table) -> pa.Table:
    """``entries`` with the columns `items` and `owners`: what each meets by itself."""
    for name in ("items", "owners"):
        entries = entries.append_column(name, pa.array(_each(entries, weights, name)))
    return entries


def _said(before: str, numbers: _Places, behind: str) -> pa.Array:
    return pc.binary_join_element_wise(before, pa.array(numbers).cast(pa.string()), behind, "")


def _each(entries: pa.Table, weights: pa.Table, column: str) -> _Places:
    """What of ``column`` each entry comes to by itself."""
    return np.append(weights[column].to_numpy(), 0)[_find(entries, weights)]


def _together(entries: pa.Table, weights: pa.Table, column: str) -> _Places:
    """How many items all entries meet that say the same in ``column``: the sum over distinct active targets.

    None where nothing is said. The bytes of an item are no part of it: whoever opts out an item does not ask
    for that of others.
    """
    by = encode(entries[column]).indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    at = _find(entries, weights)
    counted = pc.equal(entries["state"], "active").to_numpy(zero_copy_only=False) & (at >= 0) & (by >= 0)
    pairs = np.unique(np.stack([by[counted], at[counted]]), axis=1)
    met = np.zeros(by.max(initial=-1) + 2, np.int64)  # the last one is of those that say nothing
    np.add.at(met, pairs[0], weights["items"].to_numpy()[pairs[1]])
    return met[by]


def _find(entries: pa.Table, weights: pa.Table) -> _Places:
    """The place of each entry's target in ``weights``; -1 where it meets nothing."""
    found = pc.index_in(_named(entries), _named(weights))
    return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _source(entries: pa.Table) -> pa.ChunkedArray:
    """The source of those targets that are weighed within one."""
    has = pc.is_in(entries["kind"], pa.array(_OF_A_SOURCE))
    return pc.if_else(has, entries["source"], pa.scalar(None, pa.string()))


def _named(table: pa.Table) -> pa.Array:
    """One text for each target."""
    parts = (table["kind"], _source(table).fill_null(""), table["key"])
    joined = pc.binary_join_element_wise(*parts, "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
