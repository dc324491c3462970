"""Which ids can name an item and its owner. A row whose identity cannot be read is never let through."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.formats.quarantine import Fault, Mask, fault, mask_of

OWNER_BYTES = 256
_PLAIN = r"^[\x21-\x7e]{1,256}$"
_CONTROL = r"[\x00-\x1f\x7f]"


def _flickr_like(ids: pa.Array) -> pa.Array:
    """`^[1-9][0-9]{0,18}$`, in kernels that are quicker than a regular expression."""
    sound = pc.and_(pc.ascii_is_decimal(ids), pc.less_equal(pc.binary_length(ids), 19))
    return pc.and_not(sound, pc.starts_with(ids, "0"))


def flickr_item_faults(ids: pa.Array) -> list[Fault]:
    """Faults of Flickr's photo ids; null or empty is missing."""
    missing = _missing(ids)
    unsound = ~mask_of(_flickr_like(ids)) & ~missing
    return [
        fault(missing, "item_id_missing", "the item id is empty"),
        fault(unsound, "item_id_unparsable", "the item id is not 1 to 19 digits without a leading zero"),
    ]


def item_faults(source: pa.Array, ids: pa.Array) -> list[Fault]:
    """Faults of items of any source: Flickr's by its own rule, others by what an id can be at most."""
    missing = _missing(ids)
    flickr = mask_of(pc.equal(source, "flickr"))
    unsound = ~flickr & ~missing
    if unsound.any():
        unsound &= ~mask_of(pc.match_substring_regex(ids, _PLAIN))
    not_a_photo = flickr & ~missing & ~mask_of(_flickr_like(ids))
    sources = source.dictionary_encode()
    plain_source = pc.match_substring_regex(sources.dictionary, _PLAIN).take(sources.indices)
    no_source = ~mask_of(plain_source)
    digits = "the item id is not 1 to 19 digits without a leading zero"
    plain = "the item id is not 1 to 256 printable ASCII characters without white space"
    return [
        fault(no_source, "source_unparsable", "the source is empty or not plain text without white space"),
        fault(missing, "item_id_missing", "the item id is empty"),
        fault(not_a_photo, "item_id_unparsable", digits),
        fault(unsound, "item_id_unparsable", plain),
    ]


def owner_faults(owners: pa.Array) -> list[Fault]:
    """Faults of owner ids, null being an item without an owner."""
    large = mask_of(pc.greater(pc.binary_length(owners), OWNER_BYTES))
    control = np.zeros(len(owners), np.bool_)
    if _may_hold_control(owners):
        control = mask_of(pc.match_substring_regex(owners, _CONTROL))
    return [
        fault(large, "owner_id_unparsable", f"the owner id is over {OWNER_BYTES} bytes"),
        fault(control, "owner_id_unparsable", "the owner id holds control characters"),
    ]


def _may_hold_control(texts: pa.Array) -> bool:
    """False if none does: hardly ever one does, and all bytes at once are looked at faster than each text."""
    data = texts.buffers()[2]
    if data is None:
        return False
    letters = np.frombuffer(data, np.uint8)
    return bool(((letters < 0x20) | (letters == 0x7F)).any())


def _missing(ids: pa.Array) -> Mask:
    return ~mask_of(pc.greater(pc.binary_length(ids), 0))
