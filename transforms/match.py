"""Matching: which rows of a manifest bucket are met by targets that do not say where they live.

An item and an owner are found by the bucket they live in. A URL, a host, a content's hash, a tag and an
owner's name may be anywhere, so each bucket's columns are held against all of them, once, and what is met is
remembered. What is met is a fact of the manifest: whether anything stands against it, and from which day, is
no part of it.

Rows of other platforms, such as a crawl of links, may show what is Flickr's under ids of their own. They are
met by Flickr's items and owners through their addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import targets as forms
from transforms.domain.order import Places
from transforms.domain.schemas import MANIFEST, MET
from transforms.domain.texts import encode

KINDS = ("url", "host", "content", "tag", "alias", "name")
"""Of targets that do not say where they live."""

OWNER_KINDS = ("alias", "name")
"""Of those, the ones that mean an owner: what is met holds for all the owner has, in any manifest."""

FLICKRS = ("item", "owner")
"""Kinds that say where they live; Flickr's may be shown by rows of other platforms anywhere besides."""

_COLUMNS = {
    "item": ("source", "page_url", "image_url"),
    "owner": ("source", "owner_id", "page_url"),
    "url": ("page_url", "image_url", "owner_id"),  # where a platform has no ids, a creator is a URL
    "host": ("page_url", "image_url"),
    "content": ("content_md5", "content_sha256"),
    "tag": ("tags", "machine_tags"),
    "alias": ("source", "owner_id", "page_url"),
    "name": ("source", "owner_id", "owner_name"),
}

_Met = tuple[pa.Array, Places]
"""Keys that were met, and the rows that met them."""


def columns_for(kinds: Iterable[str]) -> list[str]:
    """The columns of a manifest that :func:`match` reads for targets of these kinds, in its order."""
    needed = {column for kind in kinds for column in _COLUMNS[kind]}
    return [name for name in MANIFEST.names if name in needed]


def match(manifest: pa.Table, targets: pa.Table) -> pa.Table:
    """What ``targets`` meet, in :data:`schemas.MET`: distinct, sorted.

    Args:
        manifest: the columns :func:`columns_for` the targets' kinds; texts may be dictionaries.
        targets: columns kind, one of :data:`KINDS` or :data:`FLICKRS`, and key, as
            :func:`targets.parse_targets` gives them. An item and an owner are Flickr's.

    Returns:
        Of a URL, host, content or tag the row. Of an alias or name the owner, and the row only where it has
        none: an owner's other items, also those of other manifests, are met with it. Of what a row of another
        platform shows of Flickr's the row, and `flickr` as the source of the target.
    """
    found = [MET.empty_table()]
    for kind in (*KINDS, *FLICKRS):
        keys = targets.filter(pc.equal(targets["kind"], kind))["key"].combine_chunks()
        if len(keys) and kind in KINDS:
            met = list(_RULES[kind](manifest, keys))
            found.append(_as_met(kind, met, manifest if kind in OWNER_KINDS else None))
        if len(keys) and kind in _SHOWN:
            shown = _as_met(kind, list(_shown(kind, manifest, keys)), None)
            flickr = pa.repeat(forms.FLICKR, len(shown))
            found.append(shown.set_column(MET.get_field_index("source"), MET.field("source"), flickr))
    table = pa.concat_tables(found).group_by(MET.names, use_threads=False).aggregate([])
    return table.sort_by([(name, "ascending") for name in MET.names]).combine_chunks()


def _as_met(kind: str, met: Iterable[_Met], owners: pa.Table | None) -> pa.Table:
    keys, places = zip(*met, strict=True)
    key, rows = pa.concat_arrays(keys), np.concatenate(places)
    of_rows = pa.array(rows, pa.int32())
    columns = {"kind": pa.repeat(kind, len(rows)), "key": key, "row": of_rows}
    if owners is None:
        columns |= {name: pa.nulls(len(rows), pa.string()) for name in ("source", "owner_id")}
    else:
        for name in ("source", "owner_id"):
            columns[name] = _texts(owners[name]).take(pa.array(rows))
        owned = columns["owner_id"].is_valid()
        columns["row"] = pc.if_else(owned, pa.scalar(None, pa.int32()), of_rows)
    return pa.table(columns, schema=MET)


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return encode(column).cast(pa.string())


def _hits(column: pa.ChunkedArray, normal: Callable[[pa.Array], pa.Array], keys: pa.Array) -> _Met:
    """The rows whose value, in its normal form, is among ``keys``; a distinct value is looked at once."""
    if not pa.types.is_dictionary(column.type):
        values = normal(column.combine_chunks())
        rows = _where(values, keys)
        return values.take(pa.array(rows)), rows
    encoded = encode(column)
    values = normal(encoded.dictionary)
    met = np.zeros(len(values) + 1, np.bool_)
    met[_where(values, keys)] = True
    places = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(met[places])
    return values.take(pa.array(places[rows])), rows


def _where(values: pa.Array, keys: pa.Array) -> Places:
    return np.flatnonzero(pc.is_in(values, keys).to_numpy(zero_copy_only=False))


def _urls(manifest: pa.Table, keys: pa.Array) -> Iterator[_Met]:
    for name in _COLUMNS["url"]:
        yield _hits(manifest[name], forms.normalize_urls, keys)


def _hosts(manifest: pa.Table, keys: pa.Array) -> Iterator[_Met]:
    """A host's own rows, and those of all hosts below it: `example.com` meets `img.example.com`."""
    for name in _COLUMNS["host"]:
        hosts = encode(forms.hosts_of(manifest[name]))
        covered = forms.covered_by(hosts.dictionary)
        met = covered.filter(pc.is_in(covered["key"], keys))
        of_row = hosts.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        ordered = np.argsort(of_row, kind="stable")
        ends = [
            np.searchsorted(of_row, met["row"].to_numpy(), side, sorter=ordered) for side in ("left", "right")
        ]
        counts = ends[1] - ends[0]
        # The rows of each host that is met, one host behind another; several keys may meet one host.
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = ordered[np.repeat(ends[0], counts) + within]
        yield met["key"].combine_chunks().take(pa.array(np.repeat(np.arange(len(met)), counts))), rows


def _contents(manifest: pa.Table, keys: pa.Array) -> Iterator[_Met]:
    for name in _COLUMNS["content"]:
        yield _hits(manifest[name], forms.normalize_contents, keys)


def _tags(manifest: pa.Table, keys: pa.Array) -> Iterator[_Met]:
    for name in _COLUMNS["tag"]:
        tags = manifest[name].combine_chunks()
        said = pa.chunked_array([encode(pc.list_flatten(tags))])
        key, places = _hits(said, forms.normalize_tags, keys)
        yield key, pc.list_parent_indices(tags).to_numpy()[places]


def _aliases(manifest: pa.Table, keys: pa.Array) -> Iterator[_Met]:
    yield _hits(manifest["page_url"], forms.aliases_of, keys)
    yield _hits(manifest["owner_id"], _aliases_as_ids, keys)


def _aliases_as_ids(owners: pa.Array) -> pa.Array:
    """Owner ids that are none of Flickr's: a platform, or a file, may know an owner by the alias alone."""
    return pc.if_else(forms.are_nsids(owners), pa.scalar(None, pa.string()), pc.ascii_lower(owners))


def _names(manifest: pa.Table, keys: pa.Array) -> Iterator[_Met]:
    yield _hits(manifest["owner_name"], forms.normalize_names, keys)


_SHOWN: dict[str, tuple[tuple[str, ...], Callable[[pa.Array], pa.Array]]] = {
    "item": (("page_url", "image_url"), forms.items_of),
    "owner": (("page_url", "owner_id"), forms.nsids_of),  # a creator may be known by the page alone
    "alias": (("page_url", "owner_id"), forms.aliases_of),
}
"""What rows of other platforms show of Flickr's: in which columns, and in which form."""


def _shown(kind: str, manifest: pa.Table, keys: pa.Array) -> Iterator[_Met]:
    others = _where_not_flickrs(manifest)
    columns, normal = _SHOWN[kind]
    for name in columns:
        key, places = _hits(manifest[name].take(pa.array(others)), normal, keys)
        yield key, others[places]


def _where_not_flickrs(manifest: pa.Table) -> Places:
    own = pc.equal(_texts(manifest["source"]), forms.FLICKR)
    return np.flatnonzero(~own.to_numpy(zero_copy_only=False))


_RULES: dict[str, Callable[[pa.Table, pa.Array], Iterator[_Met]]] = {
    "url": _urls,
    "host": _hosts,
    "content": _contents,
    "tag": _tags,
    "alias": _aliases,
    "name": _names,
}
