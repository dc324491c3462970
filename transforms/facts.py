"""Facts: what is known about each item, row for row with its manifest bucket, and free of policy.

A second policy, or a what-if, reads the same facts and costs no join.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import targets
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


def join_facts(manifest: pa.Table, now: pa.Table, opt_outs: pa.Table) -> pa.Table:
    """Facts in :data:`schemas.FACTS`, texts as dictionaries: a row for each of ``manifest``, in its order.

    Args:
        manifest: the columns :data:`MANIFEST_COLUMNS`, and :data:`URL_COLUMNS` if an opt-out names a URL.
        now: of the ledger, what holds now: columns row (place in ``manifest``), license and visibility; at
            most one for each row, in order.
        opt_outs: in :data:`schemas.OPT_OUTS`: those that may concern this bucket; others do no harm.

    Returns:
        `license_now` is `license_then`, and visibility is `unknown`, where no snapshot saw the item.
    """
    then = encode(manifest["license"])
    license_now, visibility, observed = _newest(then, now)
    return pa.table(
        {
            "license_then": then,
            "license_now": license_now,
            "direction": directions(then, license_now),
            "visibility": visibility,
            "observed": pa.array(observed),
            "opt_outs": pa.array(_opt_outs(manifest, opt_outs)),
            "upload_year": pc.year(manifest["uploaded_at"]).cast(pa.int16()),
            "media_type": encode(manifest["media_type"]),
        }
    ).select(FACTS.names)


def _newest(
    then: pa.DictionaryArray, now: pa.Table
) -> tuple[pa.DictionaryArray, pa.DictionaryArray, npt.NDArray[np.bool_]]:
    """License and visibility of each row now, and whether anything is known of it."""
    observed = np.zeros(len(then), np.bool_)
    observed[now["row"].to_numpy()] = True
    unseen = pa.DictionaryArray.from_arrays(np.zeros(len(then), np.int32), ["unknown"])
    license_now = _scattered(then, encode(now["license"]), observed)
    return license_now, _scattered(unseen, encode(now["visibility"]), observed), observed


def _scattered(
    otherwise: pa.DictionaryArray, values: pa.DictionaryArray, where: npt.NDArray[np.bool_]
) -> pa.DictionaryArray:
    """``otherwise`` with ``values`` where there are any: over a dictionary of those in use, ascending."""
    names = sorted({*otherwise.dictionary.to_pylist(), *values.dictionary.to_pylist()})
    places = _places(otherwise, names)
    places[where] = _places(values, names)
    return in_use(pa.DictionaryArray.from_arrays(places, pa.array(names, pa.string())))


def _places(column: pa.DictionaryArray, names: Sequence[str]) -> npt.NDArray[np.int32]:
    """The place of each value in ``names``."""
    place = {name: place for place, name in enumerate(names)}
    places = np.array([place[name] for name in column.dictionary.to_pylist()], np.int32)
    return places[column.indices.to_numpy(zero_copy_only=False)] if len(column) else places[:0]


def _opt_outs(manifest: pa.Table, opt_outs: pa.Table) -> npt.NDArray[np.uint8]:
    """Which kinds of opt-out each row meets, as :data:`reasons.OPT_OUT_BITS`."""
    bits = _own_opt_outs(manifest, opt_outs)

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
    own = np.uint8(OPT_OUT_BITS["item"] | OPT_OUT_BITS["owner"])
    bits = facts["opt_outs"].to_numpy() & ~own | _own_opt_outs(manifest, opt_outs)
    return facts.set_column(facts.schema.get_field_index("opt_outs"), "opt_outs", pa.array(bits))


def _own_opt_outs(manifest: pa.Table, opt_outs: pa.Table) -> npt.NDArray[np.uint8]:
    """The bits of opt-outs that name the item or its owner."""
    bits = np.zeros(len(manifest), np.uint8)
    items, owners = _of_kind(opt_outs, "item"), _of_kind(opt_outs, "owner")
    if len(items):
        item = Ids(manifest["source"], manifest["item_id"])
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
