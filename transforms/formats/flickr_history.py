"""Flickr's license histories, the answers of ``flickr.photos.licenses.getLicenseHistory``.

::

    <rsp stat="ok">
      <license_history date_change="1744598090" old_license="All Rights Reserved" old_license_url="..."
                       new_license="Public Domain Mark" new_license_url="..." />
      ...

Each change gives the new license on its day, in UTC, and the first the old one on the day before: since when
that held is not told. The last license is also the one of the snapshot's day, on which Flickr told it. Where
nothing was ever changed, there is one element without a new license: the license that the photo was posted
with, and the day of that. Source: https://www.flickr.com/services/api/flickr.photos.licenses.getLicenseHistory.html.

Visibility is not told, but Flickr answers only for a photo that it shows to whoever asks: ``public``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple

from transforms.domain.license_spellings import normalize_one
from transforms.formats.answerfile import AnswerFile
from transforms.formats.flickranswers import BEGINS, Answer, answers, is_id, members, named
from transforms.formats.seen import Seen, agreed, text

_ONE_DAY = datetime.timedelta(days=1)
_LAST_SECOND = 253_402_300_799  # of the year 9999

Told = tuple[str | None, str | None]
"""A license and what was written, as :func:`transforms.formats.seen.agreed` gives them."""


class _Change(NamedTuple):
    second: int
    old: Told
    new: Told

    @property
    def day(self) -> datetime.date:
        return datetime.datetime.fromtimestamp(self.second, datetime.UTC).date()


def _see(file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Seen]:
    for answer in answers(file, settings):
        if isinstance(answer, Seen):
            yield answer
        else:
            yield from _history(answer)


def _history(answer: Answer) -> Iterator[Seen]:
    """What an answer tells: all of it or nothing, since a change left out would let an old license stand."""
    told = answer.members.get("license_history")
    if not is_id(answer.asked_for):
        yield answer.seen()  # which is refused for its id
        return
    changes = []
    for each in told if isinstance(told, list) else [told]:
        change = members(each)
        second = text(change.get("date_change")) or ""
        if not (second.isascii() and second.isdigit() and int(second[:20]) <= _LAST_SECOND):
            yield answer.refused("a license history without a change, or with one that has no date")
            return
        changes.append(_Change(int(second), _license(change, "old"), _license(change, "new")))
    changes.sort(key=lambda change: change.second)
    if len(changes) > 1 and any(change.new == (None, None) for change in changes):
        yield answer.refused("a license history with a change to no license")
        return
    days = _days(changes)
    for day in sorted(days):
        license_, raw = days[day]
        yield answer.seen(license=license_, license_raw=raw, observed_on=day)
    license_, raw = days[max(days)]
    yield answer.seen(license=license_, license_raw=raw)


def _days(changes: list[_Change]) -> dict[datetime.date, Told]:
    """The license on each day of which a license is told; of several changes on one day the last."""
    if changes[0].new == (None, None):
        return {changes[0].day: changes[0].old}
    days: dict[datetime.date, Told] = {}
    for before, change in zip([None, *changes], changes, strict=False):
        if before is None or (before.day < change.day and not _goes_on(before, change)):
            days.setdefault(change.day - _ONE_DAY, change.old)
        days[change.day] = change.new
    return days


def _goes_on(before: _Change, change: _Change) -> bool:
    """Whether the change is from what the one before it came to; else one between them is not told."""
    return normalize_one(before.new[0]) == normalize_one(change.old[0])


def _license(change: Mapping[str, object], which: str) -> Told:
    """By its address first: that did not change when Flickr renamed its licenses."""
    return agreed(change.get(f"{which}_license_url"), change.get(f"{which}_license"))


FORMAT = AnswerFile(
    "flickr-history",
    "answers of flickr.photos.licenses.getLicenseHistory",
    (b"license_history", b'stat="fail"', b'"fail"', b'"answer"'),
    _see,
    begins=BEGINS,
    names=named,
)
