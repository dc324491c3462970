"""What people ask and grant beyond plain lists: for some purposes, by alias, taken back; and who is seen.

It comes in on one day, in files of its own, and answers are known with and without it.

Owners and items are numbers of the :class:`~transforms.synth.population.Population`. What is said of single
items is drawn item by item, so that any range of them can be made alone.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.synth.draws import I64, Mask, chance, draw, key, pick, shuffle, weighted
from transforms.synth.optouts import OptOutList
from transforms.synth.population import Population

RECEIVED_ON = datetime.date(2026, 11, 15)
OPT_OUTS, ALIASES, CONSENTS, DETECTIONS = "opt-outs.csv", "aliases.csv", "consents.csv", "detections.csv"
HEADERS = {
    OPT_OUTS: "owner_id,item_id,alias,purposes,state\n",
    ALIASES: "key,owner_id\n",
    CONSENTS: "item_id,given_by,says,purposes,expires_on\n",
    DETECTIONS: "item_id,owner_id,person_present\n",
}

ASKED = ("generative-training", "commercial", "computer-vision", "face-detection face-recognition")
"""The purposes that entries name, one after the other."""

NOTHING, GRANTED, GRANTED_BOTH, REVOKED, REFUSED, LAPSED = range(6)
"""What the depicted said of an item: yes to face detection, to recognition too; and so on."""
_SAID = (
    "",
    "{item},depicted,grant,face-detection,\n",
    "{item},depicted,grant,face-detection face-recognition,\n",
    "{item},depicted,grant,face-detection,\n{item},depicted,revoke,face-detection,\n",
    "{item},depicted,refuse,computer-vision,\n",
    "{item},depicted,grant,face-detection,2026-11-18\n",
)
_SAID_WEIGHTS = (0.3, 0.25, 0.2, 0.08, 0.08, 0.09)
_LOOKED_AT_SHARE = 0.02
_PEOPLE_SHARE = 0.4
_OWNER_SHARE = 0.0002
_ITEM_SHARE = 0.0001


@dataclasses.dataclass(frozen=True)
class Leave:
    """Who asks what. Of ``owners`` and ``items`` the entry at place *i* names ``ASKED[i % 4]``."""

    owners: I64
    items: I64
    renamed: I64  # owners who are named by alias, for every purpose
    owners_back: I64  # owners and items whose plain opt-out is withdrawn
    items_back: I64


def leave_of(people: Population, lists: Sequence[OptOutList]) -> Leave:
    """What ``people`` ask, and which of the entries of ``lists`` they take back."""
    first = people.modest
    crowd = people.owners - first
    owners = min(max(4, round(people.owners * _OWNER_SHARE)), crowd)
    items = min(max(8, round(people.items * _ITEM_SHARE)), people.items)
    named = first + shuffle(np.arange(owners), crowd, key(people.seed, "owners asking of purposes"))
    renamed = first + shuffle(np.arange(min(2, crowd)), crowd, key(people.seed, "owners renamed"))
    return Leave(
        owners=named,
        items=shuffle(np.arange(items), people.items, key(people.seed, "items asked of")),
        renamed=renamed,
        owners_back=np.unique(lists[1].owners)[::2],
        items_back=np.unique(lists[1].items)[::2],
    )


def asked_of(named: I64, purposes: set[str]) -> I64:
    """Which of ``named`` are named for one of ``purposes``."""
    speaks = np.array([bool(purposes & {*each.split()}) for each in ASKED])
    return named[speaks[np.arange(len(named)) % len(ASKED)]]


def looked_at(people: Population, item: I64) -> Mask:
    """True where somebody looked whether people are in the item."""
    return chance(draw(people.seed, "looked at", item), _LOOKED_AT_SHARE)


def has_people(people: Population, item: I64) -> Mask:
    """True where people are in the item, whether anybody looked or not."""
    return chance(draw(people.seed, "people", item), _PEOPLE_SHARE)


def said_by_depicted(people: Population, item: I64) -> I64:
    """What those said who were seen in each item: one of :data:`NOTHING` and those behind it."""
    said = weighted(draw(people.seed, "said by the depicted", item), _SAID_WEIGHTS)
    return np.where(looked_at(people, item) & has_people(people, item), said, NOTHING)


def request_bytes(people: Population, leave: Leave) -> dict[str, bytes]:
    """The lists of opt-outs and of aliases, by file name."""
    asked = [ASKED[place % len(ASKED)] for place in range(max(len(leave.owners), len(leave.items)))]
    nsids, aliases = people.nsid(leave.renamed).to_pylist(), _aliases(leave.renamed)
    lines = [
        *(f"{nsid},,,{asked[at]},\n" for at, nsid in enumerate(people.nsid(leave.owners).to_pylist())),
        *(f",{item},,{asked[at]},\n" for at, item in enumerate(people.item_number(leave.items).tolist())),
        *(f",,{alias},,\n" for alias in aliases),
        *(f"{nsid},,,,withdrawn\n" for nsid in people.nsid(leave.owners_back).to_pylist()),
        *(f",{item},,,withdrawn\n" for item in people.item_number(leave.items_back).tolist()),
    ]
    known = [f"{alias},{nsid}\n" for alias, nsid in zip(aliases, nsids, strict=True)]
    return {
        OPT_OUTS: (HEADERS[OPT_OUTS] + "".join(lines)).encode(),
        ALIASES: (HEADERS[ALIASES] + "".join(known)).encode(),
    }


def _aliases(owners: I64) -> list[str]:
    return [f"photos-by-{owner}" for owner in owners.tolist()]


def item_bytes(people: Population, low: int, high: int) -> dict[str, bytes]:
    """What is said of items ``low`` to ``high``: lines of detections and of consents, by file name."""
    item = np.arange(low, high)
    item = item[looked_at(people, item)]
    number = people.item_number(item)
    owners = people.nsid(people.owner_of(item))
    told = pick(draw(people.seed, "owner told", item), 2) == 1
    lines = pc.binary_join_element_wise(
        pc.cast(pa.array(number), pa.string()),
        pc.if_else(pa.array(told), owners, ""),
        pc.if_else(pa.array(has_people(people, item)), "true", "false"),
        ",",
    ).to_pylist()
    said = said_by_depicted(people, item).tolist()
    consents = [_SAID[what].format(item=each) for what, each in zip(said, number.tolist(), strict=True)]
    return {
        DETECTIONS: "".join(f"{line}\n" for line in lines).encode(),
        CONSENTS: "".join(consents).encode(),
    }
