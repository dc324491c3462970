"""Results of searches on Flickr as ml5's scraper keeps them: an object with a member for each image file.

::

    {"11624560624_600b918603.jpg": {"url": "https://farm4.staticflickr.com/3779/11624560624_600b918603.jpg",
                                    "license": "1", "owner_id": "12345678@N00", ...}, ...}

The item is the one of the image's address, and the license Flickr's id. What a search found is public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import InputError
from transforms.domain.targets import parse_targets
from transforms.formats import jsonfiles
from transforms.formats.answerfile import AnswerFile
from transforms.formats.flickranswers import members
from transforms.formats.quarantine import Why
from transforms.formats.seen import Seen, agreed, text


def _see(file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Seen]:
    number = 0
    for value in jsonfiles.values(file):
        if value.fault:
            raise InputError(f"line {value.line + 1} cannot be read ({value.fault[1]}). Fetch it again.")
        photos = list(members(value.value).items())
        if not photos:
            raise InputError(f"line {value.line + 1} is no object with a member for each image.")
        addresses = [text(members(photo).get("url")) for _, photo in photos]
        for photo, item_id in zip(photos, _items(addresses), strict=True):
            yield _photo(number, dict([photo]), item_id)
            number += 1


def _items(addresses: list[str | None]) -> list[str | None]:
    """The id of the photo whose image has each address; None where it is no such address."""
    safe = [one if one is None else one.encode("utf-8", "replace").decode() for one in addresses]
    targets = parse_targets(pa.array(safe, pa.string()))
    # A bare number would pass for an item too, and is no address.
    is_item = pc.and_(pc.equal(targets["kind"], "item"), pc.match_substring(pa.array(safe, pa.string()), "/"))
    items: list[str | None] = pc.if_else(is_item, targets["key"], None).to_pylist()
    return items


def _photo(number: int, entry: Mapping[str, object], item_id: str | None) -> Seen:
    (photo,) = map(members, entry.values())
    license_, raw = agreed(photo.get("license"))
    fault = None
    if item_id is None:
        fault = Why("item_id_unparsable", "its url is no address of an image on Flickr")
    elif not raw:
        fault = Why("license_missing", "the photo has no license id")
    return Seen(
        number,
        entry,
        item_id=item_id,
        owner_id=text(photo.get("owner_id")) or None,
        license=license_,
        license_raw=raw,
        fault=fault,
    )


FORMAT = AnswerFile(
    "ml5",
    "an object with a member for each image, as ml5's scraper writes it",
    (b'"owner_id"', b'"url"'),
    _see,
    begins=(b"{",),
)
