"""Flickr's owners in a dataset of another platform: asked for as that platform's own, too.

A crawl of links keeps Flickr's owners under its own name. What its addresses show of Flickr is found when
a release is cut: see :mod:`transforms.match`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.schemas import OPT_OUTS
from transforms.domain.targets import FLICKR

_OWNERS = pa.array(["owner", "alias"])


def with_elsewhere(entries: pa.Table, source: str) -> pa.Table:
    """``entries`` with what they ask of Flickr's owners, asked of a dataset of ``source`` too.

    Args:
        entries: in :data:`schemas.OPT_OUTS`.
        source: the platform whose ids bare ids are.
    """
    if source == FLICKR:
        return entries
    flickrs = pc.equal(entries["source"], FLICKR).fill_null(False)
    owners = entries.filter(pc.and_(flickrs, pc.is_in(entries["kind"], _OWNERS)))
    place = OPT_OUTS.get_field_index("source")
    there = owners.set_column(place, OPT_OUTS.field(place), pa.repeat(source, len(owners)))
    return pa.concat_tables([entries, there])
