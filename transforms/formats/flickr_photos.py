"""Lists of photos on Flickr as JSON, in the forms in which they are kept.

Read are answers of Flickr's API (``flickr.photos.search``, ``flickr.people.getPhotos`` and others), those on
sets of photos, whose owner stands at the top, and what the Flickr Foundation's ``flickr_api`` makes of them;
one list a file, one a line, or photos without a list around them. They have to be asked for with
``extras=license``. Source: https://www.flickr.com/services/api/flickr.photos.search.html.

A photo in a list is shown to whoever asked: it is public where ``ispublic`` does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple

from transforms.domain.errors import InputError
from transforms.formats import jsonfiles
from transforms.formats.answerfile import AnswerFile
from transforms.formats.flickr_info import PUBLIC
from transforms.formats.flickranswers import members
from transforms.formats.quarantine import Why
from transforms.formats.seen import Seen, agreed, text

_LISTS = ("photos", "photoset", "gallery")


class _Listed(NamedTuple):
    photo: object
    owner: object  # of the list that it is in


def _see(file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Seen]:
    number = 0
    for value in jsonfiles.values(file):
        weight_bytes = len(value.written)
        if value.fault:
            yield Seen(number, value.written, fault=value.fault, weight_bytes=weight_bytes)
            number += 1
            continue
        for listed in _listed(value.value, value.line):
            yield _photo(number, listed)._replace(weight_bytes=weight_bytes)
            number, weight_bytes = number + 1, 0


def _listed(value: object, line: int) -> Iterator[_Listed]:
    """The photos of a list, of a list of lists, or the one photo that ``value`` is."""
    for page in value if isinstance(value, list) else [value]:
        found = members(page)
        if found.get("stat") == "fail":
            # Part of what was asked for is not here, and a full snapshot would call it missing.
            code, said = text(found.get("code")), text(found.get("message"))
            raise InputError(
                f"line {line + 1} holds an answer that failed (code {code}: {said}). Fetch that list again."
            )
        inner = next((found[name] for name in _LISTS if name in found), found)
        if isinstance(inner, Mapping) and isinstance(inner.get("photo"), list):
            yield from (_Listed(photo, inner.get("owner")) for photo in inner["photo"])
        elif isinstance(inner, list):
            yield from (_Listed(photo, None) for photo in inner)
        else:
            yield _Listed(page, None)


def _photo(number: int, listed: _Listed) -> Seen:
    photo = members(listed.photo)
    item_id = text(photo.get("id"))
    if item_id is None:
        return Seen(
            number, listed.photo, fault=Why("answer_unparsable", "neither a photo nor a list of photos")
        )
    owner = photo.get("owner") or listed.owner
    if isinstance(owner, Mapping):
        owner = owner.get("nsid", owner.get("id"))
    license_, raw = _license(photo.get("license"))
    shown = text(photo.get("ispublic", 1)) or ""
    return Seen(
        number,
        listed.photo,
        item_id=item_id,
        owner_id=text(owner) or None,
        license=license_,
        license_raw=raw,
        visibility=PUBLIC.get(shown),
        fault=None if raw else Why("license_missing", "no license: ask for the list with extras=license"),
    )


def _license(told: object) -> tuple[str | None, str | None]:
    if isinstance(told, Mapping):  # the Flickr Foundation's: the label is Flickr's name, the id its own
        return agreed(told.get("url"), told.get("label"), told.get("id"))
    return agreed(told)


FORMAT = AnswerFile(
    "flickr-photos",
    "a list of photos as JSON, such as an answer of flickr.photos.search",
    (b'"photo"', b'"photos"', b'"license"', b'"fail"', b'"owner"'),
    _see,
)
