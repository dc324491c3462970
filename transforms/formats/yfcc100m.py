"""YFCC100M's own manifest (Thomee et al. 2016): tab-separated, form-encoded text, 23 or 25 columns.

::

    photo id, owner NSID, owner name, taken, uploaded (epoch s), capture device, title, description, tags,
    machine tags, longitude, latitude, accuracy, page URL, download URL, license name, license URL,
    server, farm, secret, original secret, extension, marker (0 photo, 1 video)

The form of 25 has a line number before the photo id and the photo's MD5 after it. ``original secret`` is
never read: it unlocks the full-size original, whatever its owner shows.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import schemas
from transforms.domain.license_spellings import normalize
from transforms.formats import heads, identity, values
from transforms.formats.formencoding import decode
from transforms.formats.lines import Lines, Parsed
from transforms.formats.ownrows import hashes
from transforms.formats.quarantine import mask_of
from transforms.formats.values import blank_to_null

name = "yfcc100m"
kind = "manifest"

_LAYOUT = """
    item_id owner_id owner_name taken_at uploaded_at capture_device title description tags machine_tags
    longitude latitude accuracy page_url image_url license_name license_url server farm secret
    secret_original extension marker
"""
_OF_23 = _LAYOUT.split()
_OF_25 = ["line", "item_id", "content_md5", *_OF_23[1:]]
_PLACES = {len(form): {column: place for place, column in enumerate(form)} for form in (_OF_23, _OF_25)}
_MEDIA_TYPES = pa.array(["photo", "video", "unknown"])


def variant(head: bytes, place: str) -> dict[str, object]:
    """``{"fields": 23}`` or 25: the form that most lines of the file's beginning have.

    Raises:
        InputError: no line of it is of either form.
    """
    found = {fields: _alike(head, fields) for fields in _PLACES}
    best = max(found, key=lambda fields: found[fields])
    if not found[best]:
        expected = "23 or 25 tab-separated columns that begin with a photo id (25: a line number, a photo id)"
        raise heads.not_of_format(head, place, name, expected)
    return {"fields": best}


def _alike(head: bytes, fields: int) -> int:
    lines = Lines(heads.sample(head), fields)
    lines.refuse(identity.flickr_item_faults(lines.column(_PLACES[fields]["item_id"])))
    urls = lines.column(_PLACES[fields]["page_url"])
    return pc.sum(pc.starts_with(urls, "http")).as_py() or 0


def parse(block: bytes, *, offset_bytes: int, line: int, settings: Mapping[str, object]) -> Parsed:
    """The photos and videos of a block of lines, in their order.

    Args:
        block: whole lines.
        offset_bytes: where the block begins in its split.
        line: the number of its first line in its split.
        settings: what :func:`variant` found.
    """
    places = _PLACES[int(str(settings["fields"]))]
    lines = Lines(block, len(places))
    lines.refuse(identity.flickr_item_faults(lines.column(places["item_id"])))
    owner_id = decode(blank_to_null(lines.column(places["owner_id"])))
    owner_faults = identity.owner_faults(owner_id)
    lines.refuse(owner_faults)
    if len(owner_id) != len(lines):
        owner_id = decode(blank_to_null(lines.column(places["owner_id"])))

    def written(column: str) -> pa.Array:
        return blank_to_null(lines.column(places[column]))

    taken, uploaded, accuracy = written("taken_at"), written("uploaded_at"), written("accuracy")
    longitude, latitude = written("longitude"), written("latitude")
    license_raw = pc.coalesce(written("license_url"), written("license_name"))
    nothing = pa.nulls(len(lines), pa.string())
    content_md5 = written("content_md5") if "content_md5" in places else nothing
    columns = {
        "source": pa.repeat("flickr", len(lines)),
        "item_id": lines.column(places["item_id"]),
        "owner_id": owner_id,
        "owner_name": decode(written("owner_name")),
        "license": normalize(license_raw),
        "license_raw": license_raw,
        "media_type": _media_type(lines.column(places["marker"])),
        "title": decode(written("title")),
        "description": decode(written("description")),
        "tags": _tags(written("tags")),
        "machine_tags": _tags(written("machine_tags")),
        "taken_at": values.timestamps(taken),
        "uploaded_at": values.epoch_seconds(uploaded),
        "capture_device": decode(written("capture_device")),
        "longitude": values.decimals(longitude, -180, 180),
        "latitude": values.decimals(latitude, -90, 90),
        "accuracy": values.integers(accuracy, pa.int8(), 1, 16),
        "page_url": written("page_url"),
        "image_url": written("image_url"),
        "width": pa.nulls(len(lines), pa.int32()),
        "height": pa.nulls(len(lines), pa.int32()),
        "content_md5": hashes(content_md5, "content_md5"),
        "content_sha256": nothing,
        "person_present": pa.nulls(len(lines), pa.bool_()),
    }
    texts = {
        "taken_at": taken,
        "uploaded_at": uploaded,
        "longitude": longitude,
        "latitude": latitude,
        "accuracy": accuracy,
        "content_md5": content_md5,
    }
    return Parsed(
        rows=pa.table(columns, schema=schemas.MANIFEST),
        quarantined=lines.quarantined(offset_bytes, line),
        unparsable=values.lost({column: (text, columns[column]) for column, text in texts.items()}),
    )


def _media_type(marker: pa.Array) -> pa.Array:
    known = pc.index_in(marker, pa.array(["0", "1"])).fill_null(2)
    return _MEDIA_TYPES.take(known)


def _tags(written: pa.Array) -> pa.Array:
    """Lists of tags: split first, since a tag may hold an encoded comma, then decoded."""
    split = pc.split_pattern(written, ",")
    missing = pa.array(~mask_of(written.is_valid()))
    kind_ = schemas.MANIFEST.field("tags").type
    return pa.ListArray.from_arrays(split.offsets, decode(split.values), type=kind_, mask=missing)
