"""What Flickr says of single photos: the answers of ``flickr.photos.getInfo``.

::

    <rsp stat="ok">
      <photo id="2733" license="3" ...>
        <owner nsid="12037949754@N01" ... />
        <visibility ispublic="1" isfriend="0" isfamily="0" />
        ...

The day is the snapshot's: that of the last change of anything about the photo says nothing of its license.
Source: https://www.flickr.com/services/api/flickr.photos.getInfo.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO

from transforms.formats.answerfile import AnswerFile
from transforms.formats.flickranswers import BEGINS, Answer, answers, members, named
from transforms.formats.quarantine import Why
from transforms.formats.seen import Seen, agreed, text

PUBLIC = {"1": "public", "0": "private"}
"""Visibility by Flickr's ``ispublic``."""


def _see(file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Seen]:
    for answer in answers(file, settings):
        yield answer if isinstance(answer, Seen) else _photo(answer, in_file="photo_id" in settings)


def _photo(answer: Answer, *, in_file: bool) -> Seen:
    photo = members(answer.members.get("photo"))
    item_id = text(photo.get("id"))
    if item_id is None:
        return answer.refused("no photo with an id in it")
    # A file may have any name; but a line says which photo it is about.
    if not in_file and answer.asked_for not in (None, item_id):
        return answer.refused(f"asked for photo {answer.asked_for}, answered about {item_id}"[:200])
    license_, raw = agreed(photo.get("license"))
    return answer.seen(
        item_id=item_id,
        owner_id=text(members(photo.get("owner")).get("nsid")) or None,
        license=license_,
        license_raw=raw,
        visibility=PUBLIC.get(text(members(photo.get("visibility")).get("ispublic")) or ""),
        fault=None if raw else Why("license_missing", "the photo has no license id"),
    )


FORMAT = AnswerFile(
    "flickr-info",
    "answers of flickr.photos.getInfo",
    (b"<photo", b'"photo"', b'stat="fail"', b'"fail"', b'"answer"'),
    _see,
    begins=BEGINS,
    names=named,
)
