"""Facts: what is known about each item, row for row with its manifest bucket, and free of policy.

A second policy, or a what-if, reads the same facts and costs no join.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import licenses, observations, order, targets
from transforms.domain.reasons import OPT_OUT_BITS
from transforms.domain.schemas import FACTS

MANIFEST_COLUMNS = ("source", "item_id", "owner_id", "license", "media_type", "uploaded_at", "tags")
URL_COLUMNS = ("page_url", "image_url")
"""Read only when an opt-out names a URL: they are the widest columns of a manifest."""


def join_facts(manifest: pa.Table, looks: Sequence[pa.Table], opt_outs: pa.Table) -> pa.Table:
    """Facts in :data:`schemas.FACTS`, one row for each row of ``manifest``, in its order.

    Args:
        manifest: the columns :data:`MANIFEST_COLUMNS`, and :data:`URL_COLUMNS` if an opt-out names a URL.
        looks: tables in :data:`schemas.LICENSES`, each with at most one row for an item. The newest look at
            an item counts; on the same day, the worse news.
        opt_outs: in :data:`schemas.OPT_OUTS`: those that may concern this bucket; others do no harm.

    Returns:
        `license_now` is `license_then`, and visibility is `unknown`, where no look found the item.
    """
    item = order.identity(manifest["source"], manifest["item_id"])
    then = manifest["license"].combine_chunks().cast(pa.string())
    now, visibility, observed_on = _newest(item, then, looks)
    return pa.table(
        {
            "license_then": then,
            "license_now": now,
            "direction": licenses.directions(then, now),
            "visibility": visibility,
            "observed_on": observed_on,
            "opt_outs": pa.array(_opt_outs(manifest, item, opt_outs)),
            "upload_year": pc.year(manifest["uploaded_at"]).cast(pa.int16()),
            "media_type": manifest["media_type"].cast(pa.string()),
        },
        schema=FACTS,
    )


def _newest(item: pa.Array, then: pa.Array, looks: Sequence[pa.Table]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """License, visibility and date of the look to believe for each item."""
    count = len(item)
    license_now, visibility = then, pa.repeat("unknown", count)
    day = np.full(count, np.iinfo(np.int32).min, np.int32)
    worst = np.full(count, len(observations.VISIBILITIES), np.int64)
    for look in looks:
        at = pc.index_in(item, order.identity(look["source"], look["item_id"]))
        seen = np.flatnonzero(at.is_valid().to_numpy(zero_copy_only=False))
        rows = look.select(["license", "visibility", "observed_on"]).take(at.drop_null())
        new_day = rows["observed_on"].cast(pa.int32()).to_numpy()
        new_worst = observations.severity(rows["visibility"])
        better = (new_day > day[seen]) | ((new_day == day[seen]) & (new_worst < worst[seen]))
        tie = (new_day == day[seen]) & (new_worst == worst[seen])
        if tie.any():
            smaller = pc.less(rows["license"].cast(pa.string()), license_now.take(pa.array(seen)))
            better |= tie & smaller.to_numpy()
        taken, rows = seen[better], rows.filter(pa.array(better))
        license_now = _put(license_now, taken, rows["license"])
        visibility = _put(visibility, taken, rows["visibility"])
        day[taken], worst[taken] = new_day[better], new_worst[better]
    unseen = day == np.iinfo(np.int32).min
    return license_now, visibility, pa.array(day, mask=unseen).cast(pa.date32())


def _put(column: pa.Array, places: npt.NDArray[np.int64], values: pa.ChunkedArray) -> pa.Array:
    """``column`` with ``values`` at ``places``, which ascend."""
    mask = np.zeros(len(column), np.bool_)
    mask[places] = True
    return pc.replace_with_mask(column, pa.array(mask), values.combine_chunks().cast(pa.string()))


def _opt_outs(manifest: pa.Table, item: pa.Array, opt_outs: pa.Table) -> npt.NDArray[np.uint8]:
    """Which kinds of opt-out each row meets, as :data:`reasons.OPT_OUT_BITS`."""

    def named(kind: str) -> pa.Table:
        return opt_outs.filter(pc.equal(opt_outs["kind"], kind))

    bits = np.zeros(len(item), np.uint8)

    def mark(kind: str, met: pa.Array) -> None:
        bits[met.fill_null(False).to_numpy(zero_copy_only=False)] |= np.uint8(OPT_OUT_BITS[kind])

    items, owners = named("item"), named("owner")
    if len(items):
        mark("item", pc.is_in(item, order.identity(items["source"], items["key"])))
    if len(owners):
        owner = order.identity(manifest["source"], manifest["owner_id"])
        mark("owner", pc.is_in(owner, order.identity(owners["source"], owners["key"])))
    urls = named("url")["key"].combine_chunks()
    if len(urls):
        for column in URL_COLUMNS:
            mark("url", pc.is_in(targets.normalize_urls(manifest[column].combine_chunks()), urls))
    said = pa.concat_arrays([pa.array(targets.TAGS_THAT_SAY_NO), named("tag")["key"].combine_chunks()])
    tagged = _rows_with_tag(manifest["tags"].combine_chunks(), said)
    bits[tagged] |= np.uint8(OPT_OUT_BITS["tag"])
    return bits


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
