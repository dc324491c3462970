r"""Openverse's (CC Catalog's) provider files: tab-separated, 17 columns, ``\N`` for null, no other escapes.

::

    foreign id, landing URL, image URL, thumbnail URL, width, height, file size, license, license version,
    creator, creator URL, title, meta data (JSON), tags (JSON), watermarked, provider, source

Later files of Openverse's own loader have 20 columns in another order; they are not of this format.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import schemas
from transforms.domain.license_spellings import recognize, together
from transforms.formats import heads, identity, values
from transforms.formats.formencoding import decode
from transforms.formats.jsoncells import read_objects
from transforms.formats.lines import Lines, Parsed
from transforms.formats.quarantine import Fault, fault, mask_of
from transforms.formats.values import blank_to_null

name = "openverse"
kind = "manifest"

_LAYOUT = """
    foreign_identifier foreign_landing_url image_url thumbnail_url width height filesize license
    license_version creator creator_url title meta_data tags watermarked provider source
"""
_COLUMNS = _LAYOUT.split()
_PLACES = {column: place for place, column in enumerate(_COLUMNS)}

_DETAILS = [("date_taken", pa.string()), ("description", pa.string()), ("license_url", pa.string())]
# Providers write the time of publication as text or as a number.
_META_DATA = [pa.schema([("pub_date", kind_), *_DETAILS]) for kind_ in (pa.string(), pa.int64())]
_TAGS = [pa.schema([("tags", pa.list_(pa.struct([("name", pa.string())])))])]

_FLICKR_PERSON = r"^(?:https?://)?(?:www\.)?flickr\.com/(?:photos|people)/(?P<owner>[^/?#]+)/?$"
_SCHEME = r"^[A-Za-z][A-Za-z0-9+.-]*://"


def variant(head: bytes, place: str) -> dict[str, object]:
    """No settings; the file's beginning is only looked at.

    Raises:
        InputError: no line of it has 17 columns with an image's address and a provider.
    """
    lines = Lines(heads.sample(head), len(_COLUMNS))
    has_address = pc.match_substring(lines.column(_PLACES["image_url"]), "/")
    has_provider = _written(lines, "provider").is_valid()
    if not pc.any(pc.and_(has_address, has_provider)).as_py():
        raise heads.not_of_format(head, place, name, f"{len(_COLUMNS)} tab-separated columns")
    return {}


def parse(block: bytes, *, offset_bytes: int, line: int, settings: Mapping[str, object]) -> Parsed:
    """The images of a block of lines, in their order.

    Args:
        block: whole lines.
        offset_bytes: where the block begins in its split.
        line: the number of its first line in its split.
        settings: unused.
    """
    lines = Lines(block, len(_COLUMNS))
    source = _written(lines, "provider")
    owner_id = _owner_id(source, _written(lines, "creator_url"))
    lines.refuse(
        [
            *identity.item_faults(source, _written(lines, "foreign_identifier")),
            *_creator_faults(owner_id, _written(lines, "creator_url")),
            *identity.owner_faults(owner_id),
        ]
    )

    written = {column: _written(lines, column) for column in _COLUMNS}
    source = written["provider"]
    meta_data = read_objects(written["meta_data"], _META_DATA)
    license_raw = _license(written["license"], written["license_version"], _member(meta_data, "license_url"))
    license_read = recognize(license_raw)
    taken, published = _member(meta_data, "date_taken"), _member(meta_data, "pub_date")
    tags = _tag_lists(written["tags"])
    columns = {
        "source": source,
        "item_id": written["foreign_identifier"],
        "owner_id": _owner_id(source, written["creator_url"]),
        "owner_name": written["creator"],
        "license": license_read.license,
        "license_raw": license_raw,
        "media_type": pa.repeat("photo", len(lines)),
        "title": written["title"],
        "description": _member(meta_data, "description"),
        "tags": _names(tags),
        "machine_tags": pa.nulls(len(lines), schemas.MANIFEST.field("machine_tags").type),
        "taken_at": values.timestamps(taken),
        "uploaded_at": values.epoch_seconds(published),
        "capture_device": pa.nulls(len(lines), pa.string()),
        "longitude": pa.nulls(len(lines), pa.float64()),
        "latitude": pa.nulls(len(lines), pa.float64()),
        "accuracy": pa.nulls(len(lines), pa.int8()),
        "page_url": written["foreign_landing_url"],
        "image_url": written["image_url"],
        "width": _pixels(written["width"]),
        "height": _pixels(written["height"]),
        "content_md5": pa.nulls(len(lines), pa.string()),
        "content_sha256": pa.nulls(len(lines), pa.string()),
        "person_present": pa.nulls(len(lines), pa.bool_()),
    }
    texts = {
        "description": (written["meta_data"], meta_data),
        "tags": (written["tags"], tags),
        "taken_at": (taken, columns["taken_at"]),
        "uploaded_at": (published, columns["uploaded_at"]),
        "width": (written["width"], columns["width"]),
        "height": (written["height"], columns["height"]),
    }
    return Parsed(
        rows=pa.table(columns, schema=schemas.MANIFEST),
        quarantined=lines.quarantined(offset_bytes, line),
        unparsable=values.lost(texts) | _conflicts(license_read.outcome),
    )


def _written(lines: Lines, column: str) -> pa.Array:
    cells = blank_to_null(lines.column(_PLACES[column]))
    is_null = pc.equal(cells, r"\N")
    return pc.if_else(is_null, None, cells) if pc.any(is_null).as_py() else cells


def _license(unit: pa.Array, version: pa.Array, url: pa.Array) -> pa.Array:
    """Unit and version, and where the meta data has it the license's URL behind them."""
    named = pc.if_else(version.is_valid(), pc.binary_join_element_wise(unit, version, " "), unit)
    has_url = url.is_valid()
    return pc.if_else(has_url, together(unit, version, url), named) if pc.any(has_url).as_py() else named


def _conflicts(outcome: pa.Array) -> dict[str, int]:
    conflicts = pc.sum(pc.equal(outcome, "conflict")).as_py()
    return {"license": conflicts} if conflicts else {}


def _owner_id(source: pa.Array, creator_url: pa.Array) -> pa.Array:
    """Flickr: the NSID or path alias in the address of the creator's page; elsewhere, that address."""
    encoded = creator_url.dictionary_encode()
    person = decode(pc.struct_field(pc.extract_regex(encoded.dictionary, _FLICKR_PERSON), "owner"))
    address = pc.replace_substring_regex(encoded.dictionary, _SCHEME, "")
    return pc.if_else(pc.equal(source, "flickr"), person.take(encoded.indices), address.take(encoded.indices))


def _creator_faults(owner_id: pa.Array, creator_url: pa.Array) -> list[Fault]:
    # With no owner, nobody's opt-out could reach the row: an address that cannot be read is not let through.
    unread = mask_of(creator_url.is_valid()) & ~mask_of(owner_id.is_valid())
    return [fault(unread, "owner_id_unparsable", "the creator's URL is no Flickr person's page")]


def _member(objects: pa.StructArray, member: str) -> pa.Array:
    return blank_to_null(pc.struct_field(objects, member))


def _tag_lists(written: pa.Array) -> pa.StructArray:
    is_list = pc.starts_with(pc.utf8_ltrim_whitespace(written), "[")
    wrapped = pc.binary_join_element_wise('{"tags": ', written, "}", "")
    return read_objects(pc.if_else(is_list, wrapped, None), _TAGS)


def _names(tag_lists: pa.StructArray) -> pa.Array:
    """The tags' names, row for row; null where there are none."""
    lists = pc.struct_field(tag_lists, "tags")
    names = blank_to_null(pc.struct_field(lists.flatten(), "name"))
    of_row = pc.list_parent_indices(lists).filter(names.is_valid()).to_numpy()
    offsets = of_row.searchsorted(np.arange(len(lists) + 1)).astype(np.int32)
    none = pa.array(np.diff(offsets) == 0)
    kind_ = schemas.MANIFEST.field("tags").type
    return pa.ListArray.from_arrays(pa.array(offsets), names.drop_null(), type=kind_, mask=none)


def _pixels(written: pa.Array) -> pa.Array:
    return values.integers(written, pa.int32(), 1, 2**31 - 1)
