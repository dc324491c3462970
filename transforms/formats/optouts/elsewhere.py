"""Flickr's items and owners in a dataset of another platform: asked for as such a dataset holds them.

A crawl of links gives an item an id of its own, and keeps Flickr's addresses and owners. What a request means
by them is looked for there too: an address as the address that it is, an owner under the dataset's platform.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.schemas import OPT_OUTS
from transforms.domain.targets import normalize_urls

_FLICKR = "flickr"
_OWNERS = pa.array(["owner", "alias"])


def with_elsewhere(entries: pa.Table, source: str) -> pa.Table:
    """``entries`` with what they ask of Flickr, asked of a dataset of ``source`` too.

    Args:
        entries: in :data:`schemas.OPT_OUTS`.
        source: the platform whose ids bare ids are.
    """
    if source == _FLICKR:
        return entries
    flickrs = entries.filter(pc.equal(entries["source"], _FLICKR).fill_null(False))
    owners = flickrs.filter(pc.is_in(flickrs["kind"], _OWNERS))
    linked = flickrs.filter(pc.match_substring(flickrs["raw"], "/"))
    urls = normalize_urls(pc.utf8_trim_whitespace(linked["raw"].combine_chunks()))
    of_nobody = pa.nulls(len(linked), pa.string())
    return pa.concat_tables(
        [
            entries,
            _with(owners, source=pa.repeat(source, len(owners))),
            _with(linked, kind=pa.repeat("url", len(linked)), source=of_nobody, key=urls),
        ]
    )


def _with(entries: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, column in columns.items():
        entries = entries.set_column(OPT_OUTS.get_field_index(name), OPT_OUTS.field(name), column)
    return entries
