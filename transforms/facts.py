"""Facts: what is known about each item, row for row with its manifest bucket, and free of policy.

A second policy, or a what-if, reads the same facts and costs no join.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import observations, targets
from transforms.domain.license_changes import directions
from transforms.domain.lookup import Ids
from transforms.domain.reasons import OPT_OUT_BITS
from transforms.domain.schemas import FACTS
from transforms.domain.texts import encode, in_use

TAG_COLUMNS = ("tags", "machine_tags")
MANIFEST_COLUMNS = ("source", "item_id", "owner_id", "license", "media_type", "uploaded_at", *TAG_COLUMNS)
OWN_COLUMNS = ("source", "item_id", "owner_id")
"""By which an item's own opt-out, and its owner's, are found."""
URL_COLUMNS = ("page_url", "image_url")
"""Read only when an opt-out names a URL: they are the widest columns of a manifest."""

_NEVER = np.iinfo(np.int32).min


@dataclass(frozen=True)
class Look:
    """What one license snapshot says about some items.

    Attributes:
        day: of the snapshot. No row is newer, and a row without a day of its own is of this one.
        rows: gives a table in :data:`schemas.LICENSES`, at most one row for an item. It is asked for only if
            the look can still tell something: where a newer look saw every item, the older is never read.
    """

    day: datetime.date
    rows: Callable[[], pa.Table]


def join_facts(manifest: pa.Table, looks: Iterable[Look], opt_outs: pa.Table) -> pa.Table:
    """Facts in :data:`schemas.FACTS`, texts as dictionaries: a row for each of ``manifest``, in its order.

    Args:
        manifest: the columns :data:`MANIFEST_COLUMNS`, and :data:`URL_COLUMNS` if an opt-out names a URL.
        looks: in any order. The newest look at an item counts; on the same day, the worse news.
        opt_outs: in :data:`schemas.OPT_OUTS`: those that may concern this bucket; others do no harm.

    Returns:
        `license_now` is `license_then`, and visibility is `unknown`, where no look found the item.
    """
    item = Ids(manifest["source"], manifest["item_id"])
    then = encode(manifest["license"])
    now, visibility, observed = _newest(item, then, looks)
    return pa.table(
        {
            "license_then": then,
            "license_now": now,
            "direction": directions(then, now),
            "visibility": visibility,
            "observed": pa.array(observed),
            "opt_outs": pa.array(_opt_outs(manifest, item, opt_outs)),
            "upload_year": pc.year(manifest["uploaded_at"]).cast(pa.int16()),
            "media_type": encode(manifest["media_type"]),
        }
    ).select(FACTS.names)


def _newest(
    item: Ids, then: pa.DictionaryArray, looks: Iterable[Look]
) -> tuple[pa.DictionaryArray, pa.DictionaryArray, npt.NDArray[np.bool_]]:
    """License and visibility by the look to believe for each item, and whether any look saw it.

    Numbers stand for the few texts: a license is its place in ``names``.
    """
    names: list[str] = then.dictionary.to_pylist()
    license_now = then.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    worst = np.full(len(item), observations.VISIBILITIES.index("unknown"), np.int32)
    day = np.full(len(item), _NEVER, np.int32)
    for look in sorted(looks, key=lambda look: look.day, reverse=True):
        latest = (look.day - datetime.date(1970, 1, 1)).days
        asked = np.flatnonzero(day <= latest)
        if not len(asked):
            continue
        rows = look.rows()
        at = Ids(rows["source"], rows["item_id"]).find(item.among(asked))
        found = at >= 0
        seen, row = asked[found], at[found]
        told = encode(rows["license"])
        names += [name for name in told.dictionary.to_pylist() if name not in names]
        new_license = _places(told, names)[row]
        new_worst = _places(encode(rows["visibility"]), observations.VISIBILITIES)[row]
        new_day = rows["observed_on"].cast(pa.int32()).fill_null(latest).to_numpy()[row]
        better = day[seen] == _NEVER
        if not better.all():
            # Newest first; then the worse news; then the license whose name sorts first.
            rank = np.argsort(np.argsort(names))
            old = np.array([-day[seen], worst[seen], rank[license_now[seen]]], np.int64)
            new = np.array([-new_day, new_worst, rank[new_license]], np.int64)
            better |= _less(new, old)
        taken = seen[better]
        day[taken], worst[taken], license_now[taken] = new_day[better], new_worst[better], new_license[better]
    # In an order that does not depend on which look came first: equal facts are equal bytes.
    order = np.argsort(names)
    license_now = np.argsort(order).astype(np.int32)[license_now]
    return (
        in_use(pa.DictionaryArray.from_arrays(license_now, pa.array(names, pa.string()).take(order))),
        in_use(pa.DictionaryArray.from_arrays(worst, pa.array(observations.VISIBILITIES))),
        day != _NEVER,
    )


def _places(column: pa.DictionaryArray, names: Sequence[str]) -> npt.NDArray[np.int32]:
    """The place of each value in ``names``."""
    place = {name: place for place, name in enumerate(names)}
    places = np.array([place[name] for name in column.dictionary.to_pylist()], np.int32)
    return places[column.indices.to_numpy(zero_copy_only=False)] if len(column) else places[:0]


def _less(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """For each column of two arrays whether it comes first in the order of their rows."""
    less = a[-1] < b[-1]
    for x, y in zip(a[-2::-1], b[-2::-1], strict=True):
        less = (x < y) | ((x == y) & less)
    return less


def _opt_outs(manifest: pa.Table, item: Ids, opt_outs: pa.Table) -> npt.NDArray[np.uint8]:
    """Which kinds of opt-out each row meets, as :data:`reasons.OPT_OUT_BITS`."""
    bits = _own_opt_outs(manifest, item, opt_outs)

    def mark(kind: str, met: npt.NDArray[np.bool_]) -> None:
        bits[met] |= np.uint8(OPT_OUT_BITS[kind])

    urls = _of_kind(opt_outs, "url")["key"].combine_chunks()
    if len(urls):
        for column in (*URL_COLUMNS, "owner_id"):  # where a platform has no ids, a creator is a URL
            written = manifest[column].combine_chunks().cast(pa.string())
            linked = pc.is_in(targets.normalize_urls(written), urls)
            mark("url", linked.fill_null(False).to_numpy(zero_copy_only=False))
    tags = _of_kind(opt_outs, "tag")["key"].combine_chunks()
    said = pa.concat_arrays([pa.array(targets.TAGS_THAT_SAY_NO), tags])
    for column in TAG_COLUMNS:
        tagged = _rows_with_tag(manifest[column].combine_chunks(), said)
        bits[tagged] |= np.uint8(OPT_OUT_BITS["tag"])
    return bits


def change_opt_outs(facts: pa.Table, manifest: pa.Table, opt_outs: pa.Table) -> pa.Table:
    """What :func:`join_facts` would give with other opted-out items and owners, and all else as it was.

    Args:
        facts: what it gave.
        manifest: the columns :data:`OWN_COLUMNS` of the same rows.
        opt_outs: in :data:`schemas.OPT_OUTS`: items and owners: all that may concern this bucket.
    """
    item = Ids(manifest["source"], manifest["item_id"])
    own = np.uint8(OPT_OUT_BITS["item"] | OPT_OUT_BITS["owner"])
    bits = facts["opt_outs"].to_numpy() & ~own | _own_opt_outs(manifest, item, opt_outs)
    return facts.set_column(facts.schema.get_field_index("opt_outs"), "opt_outs", pa.array(bits))


def _own_opt_outs(manifest: pa.Table, item: Ids, opt_outs: pa.Table) -> npt.NDArray[np.uint8]:
    """The bits of opt-outs that name the item or its owner."""
    bits = np.zeros(len(item), np.uint8)
    items, owners = _of_kind(opt_outs, "item"), _of_kind(opt_outs, "owner")
    if len(items):
        bits[Ids(items["source"], items["key"]).find(item) >= 0] |= np.uint8(OPT_OUT_BITS["item"])
    if len(owners):
        bits[_rows_of_owners(manifest, owners)] |= np.uint8(OPT_OUT_BITS["owner"])
    return bits


def _of_kind(opt_outs: pa.Table, kind: str) -> pa.Table:
    return opt_outs.filter(pc.equal(opt_outs["kind"], kind))


def _rows_of_owners(manifest: pa.Table, owners: pa.Table) -> npt.NDArray[np.bool_]:
    """The rows whose owner is among ``owners`` (source, key). Each distinct owner is looked at once."""
    source, owner = encode(manifest["source"]), encode(manifest["owner_id"])
    met = np.zeros(len(manifest), np.bool_)
    for place, platform in enumerate(source.dictionary.to_pylist()):
        keys = owners.filter(pc.equal(owners["source"], platform))["key"].combine_chunks()
        no = pc.is_in(owner.dictionary, keys.drop_null()).to_numpy(zero_copy_only=False)
        if no.any():
            theirs = np.append(no, False)[owner.indices.fill_null(len(no)).to_numpy(zero_copy_only=False)]
            met |= theirs & (source.indices.to_numpy(zero_copy_only=False) == place)
    return met


def _rows_with_tag(tags: pa.ListArray, said: pa.Array) -> npt.NDArray[np.int64]:
    """The rows one of whose tags, in any spelling, is among ``said``."""
    values = pc.list_flatten(tags)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    no = pc.is_in(targets.normalize_tags(values.dictionary.cast(pa.string())), said).to_numpy(
        zero_copy_only=False
    )
    if not no.any():
        return np.empty(0, np.int64)
    return pc.list_parent_indices(tags).to_numpy()[no[values.indices.to_numpy(zero_copy_only=False)]]
