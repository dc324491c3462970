"""The known answers: what a right ingest and a right cut must count, worked out without byleave's own code.

Nothing here reads a file, joins or decides as byleave does. Each item's facts are known from the rules that
made it, a reason is a column of booleans, and an answer is how many are true. Answers add up over ranges of
items.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from transforms.synth.draws import I64, Mask
from transforms.synth.history import (
    LICENSES,
    SNAPSHOTS,
    UNKNOWN,
    VISIBILITIES,
    observed_licenses,
    observed_visibilities,
)
from transforms.synth.leave import Leave
from transforms.synth.leavetruth import AS_OF, PURPOSES, said_no
from transforms.synth.optouts import OptOutList
from transforms.synth.population import Population

Path = tuple[str | int, ...]
Counts = Counter[Path]

_NAMES = (*LICENSES, "unknown")
_DATES = (datetime.date(2025, 6, 30), datetime.date(2026, 11, 20))
RELEASES = tuple((policy, as_of) for as_of in _DATES for policy in ("research", "commercial"))
"""The cuts whose answers are known: policy and as-of date."""


_FORBIDDEN = {
    "commercial": {"NC", "ND"},
    "computer-vision": {"ND"},
    "generative-training": {"NC", "ND"},
    "face-detection": {"ND"},
    "face-recognition": {"ND"},
}


def _allows(policy: str, license_id: str) -> bool:
    if policy == "metadata-index":
        return True
    if license_id in ("CC0-1.0", "CC-PDM-1.0"):
        return True
    elements = license_id.split("-")
    return elements[:2] == ["CC", "BY"] and not _FORBIDDEN.get(policy, set()) & set(elements)


def _count(counts: Counts, path: Path, codes: I64, names: Sequence[str]) -> None:
    for code, number in enumerate(np.bincount(codes, minlength=len(names)).tolist()):
        if number:
            counts[(*path, names[code])] += number


def tally(people: Population, low: int, high: int, lists: Sequence[OptOutList], leave: Leave) -> Counts:
    """The answers over items ``low`` to ``high``, keyed by their path in ``expected.json``."""
    item = np.arange(low, high)
    owner = people.owner_of(item)
    then = people.license_then(item, owner)
    seen = ~people.is_absent(item)
    licenses = [observed_licenses(people, item, owner, place) for place in range(len(SNAPSHOTS))]
    visibilities = [observed_visibilities(people, item, owner, place) for place in range(len(SNAPSHOTS))]

    counts: Counts = Counter()
    _count(counts, ("by_license",), then, _NAMES)
    _count(counts, ("by_media_type",), people.is_video(item).astype(np.int64), ("photo", "video"))
    for place, date in enumerate(SNAPSHOTS):
        counts["snapshots", str(date), "rows"] += int(seen.sum())
        _count(counts, ("snapshots", str(date), "by_license"), licenses[place][seen], _NAMES)
        _count(counts, ("snapshots", str(date), "by_visibility"), visibilities[place][seen], VISIBILITIES)

    def release(path: Path, policy: str, as_of: datetime.date, said: dict[str, Mask]) -> None:
        newest = sum(date <= as_of for date in SNAPSHOTS) - 1
        now = np.where(seen, licenses[newest], then)
        visibility = np.where(seen, visibilities[newest], VISIBILITIES.index("unknown"))
        kept = np.ones(len(item), np.bool_)
        for reason, holds in (said | _shown(policy, then, now, visibility)).items():
            _add(counts, (*path, "reasons", reason), holds)
            _add(counts, (*path, "first_reason", reason), holds & kept)
            kept = kept & ~holds
        _add(counts, (*path, "kept"), kept)
        _add(counts, (*path, "excluded"), ~kept)
        _count(counts, (*path, "by_license_kept"), now[kept], _NAMES)

    for number, (policy, as_of) in enumerate(RELEASES):
        in_force = [each for each in lists if each.received_on <= as_of]
        opted_out = {
            "opt_out_item": np.isin(item, np.concatenate([each.items for each in in_force])),
            "opt_out_owner": np.isin(owner, np.concatenate([each.owners for each in in_force])),
        }
        release(("releases", number), policy, as_of, opted_out)
    for policy in PURPOSES:
        release(("leave", policy), policy, AS_OF, said_no(people, item, owner, lists, leave, policy))
    return counts


def _shown(policy: str, then: I64, now: I64, visibility: I64) -> dict[str, Mask]:
    """By reason, in their precedence: what a platform shows and what a license says."""
    allowed = np.array([_allows(policy, name) for name in _NAMES])[now]
    reserved = LICENSES.index("all-rights-reserved")
    return {
        "deleted": visibility == VISIBILITIES.index("deleted"),
        "private": visibility == VISIBILITIES.index("private"),
        "visibility_unknown": visibility == VISIBILITIES.index("unknown"),
        "license_unknown": (now == UNKNOWN) & (policy != "metadata-index"),
        "license_withdrawn": (now == reserved) & (then != reserved) & ~allowed,
        "license_not_allowed": (now != UNKNOWN) & ~allowed,
    }


def _add(counts: Counts, path: Path, holds: Mask) -> None:
    if number := int(holds.sum()):
        counts[path] += number


def answers(
    people: Population, counts: Counts, lists: Sequence[OptOutList], quarantined: dict[str, int]
) -> dict[str, Any]:
    """The content of ``expected.json``: ``counts`` unfolded, and what is known of the whole; no zeros.

    ``rows`` counts the lines that can be read, repeats included; the quarantined ones come on top.
    """
    releases = [
        {
            "policy": policy,
            "as_of": str(as_of),
            "opt_outs": [each.name for each in lists if each.received_on <= as_of],
            **_release(counts, ("releases", number)),
        }
        for number, (policy, as_of) in enumerate(RELEASES)
    ]
    with_leave = [
        {"policy": policy, "as_of": str(AS_OF), **_release(counts, ("leave", policy))} for policy in PURPOSES
    ]
    snapshots = {
        str(date): {
            "rows": counts["snapshots", str(date), "rows"],
            "by_license": _under(counts, ("snapshots", str(date), "by_license")),
            "by_visibility": _under(counts, ("snapshots", str(date), "by_visibility")),
        }
        for date in SNAPSHOTS
    }
    return {
        "seed": people.seed,
        "rows": people.rows,
        "items": people.items,
        "duplicates": people.rows - people.items,
        "quarantined": dict(sorted(quarantined.items())),
        "owners": people.owners,
        "by_license": _under(counts, ("by_license",)),
        "by_media_type": _under(counts, ("by_media_type",)),
        "snapshots": snapshots,
        "opt_outs": {
            each.name: {"owners": len(np.unique(each.owners)), "items": len(np.unique(each.items))}
            for each in lists
        },
        "releases": releases,
        "leave": with_leave,
    }


def _release(counts: Counts, path: Path) -> dict[str, Any]:
    return {
        "kept": counts[(*path, "kept")],
        "excluded": counts[(*path, "excluded")],
        "first_reason": _under(counts, (*path, "first_reason")),
        "reasons": _under(counts, (*path, "reasons")),
        "by_license_kept": _under(counts, (*path, "by_license_kept")),
    }


def _under(counts: Counts, path: Path) -> dict[str, int]:
    below: Iterable[Path] = (at for at in counts if at[:-1] == path)
    return {str(at[-1]): counts[at] for at in sorted(below, key=str)}
