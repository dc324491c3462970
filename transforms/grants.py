"""What owners and depicted persons allow or refuse on a day, of all that they said until then."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import words
from transforms.domain import purposes
from transforms.domain.groups import FOREVER, Ints, day_number, day_numbers, group
from transforms.domain.purposes import Purposes
from transforms.words import Words

WORST_LAST = ("grant", "revoke", "refuse")
"""Of statements of one day the worse one counts."""

_TARGET = ("kind", "source", "key")
_GIVER = (*_TARGET, "given_by", "person")
_NEVER = -FOREVER * len(WORST_LAST)  # the rank of what was never said


def grants(consents: pa.Table, on: datetime.date) -> pa.Table:
    """What stands on a day of what was granted and refused.

    The last statement of a giver about a purpose counts; a grant whose time is over does not bring back the
    one before it. A grant speaks of the purposes that it names. A refusal or revocation ends grants of all
    narrower purposes too, since a no to the broader purpose is one to the narrower. A revocation is no
    refusal: it leaves things as if nothing had been granted.

    Args:
        consents: in :data:`schemas.CONSENTS`, in any order; those received later are not known yet.
        on: the day.

    Returns:
        A row for each target of which anything stands, in no particular order: kind, source, key, owner_said,
        granted_by_depicted and refused, as in :data:`schemas.LEAVE`. A revocation by an owner is among the
        first of these: it may end what they granted by another target. Where an item shows several people,
        all who ever said anything about it have to grant.
    """
    known = consents.filter(pc.less_equal(consents["received_on"], on))
    givers, first = group(known, _GIVER)
    of_giver = known.select(_GIVER).take(pa.array(first))
    in_effect = pc.less_equal(known["effective_on"], on).to_numpy()
    said_last, refused = _of_givers(
        known.filter(pa.array(in_effect)), givers[in_effect], len(first), day_number(on)
    )
    targets, first = group(of_giver, _TARGET)
    by_owner = pc.equal(of_giver["given_by"], "owner").to_numpy()
    owner_said = words.silence(len(first))
    np.maximum.at(owner_said, targets[by_owner], said_last[by_owner])
    by_depicted = np.full(len(first), purposes.ALL, np.uint16)
    np.bitwise_and.at(by_depicted, targets[~by_owner], words.granted(said_last[~by_owner]))
    asked = np.zeros(len(first), np.bool_)
    asked[targets[~by_owner]] = True
    by_depicted[~asked] = 0
    refused_of = np.zeros(len(first), np.uint16)
    np.bitwise_or.at(refused_of, targets, refused)
    table = of_giver.select(_TARGET).take(pa.array(first))
    table = table.append_column("owner_said", words.as_lists(owner_said))
    table = table.append_column("granted_by_depicted", pa.array(by_depicted))
    table = table.append_column("refused", pa.array(refused_of))
    return table.filter(pc.or_(table["owner_said"].is_valid(), pa.array(by_depicted | refused_of != 0)))


def _of_givers(said: pa.Table, giver: Ints, givers: int, on: int) -> tuple[Words, Purposes]:
    """What each giver said last, and refuses with what that spreads to.

    Args:
        said: statements in effect.
        giver: of each of them.
        givers: how many there are.
        on: the day, as a number.
    """
    stated = said["purposes"].to_numpy()
    received = day_numbers(said["received_on"])
    ends = day_numbers(said["expires_on"])
    severity = pc.index_in(said["says"], pa.array(WORST_LAST)).to_numpy().astype(np.int64)
    is_grant = severity == 0
    reaches = np.where(is_grant, stated, purposes.spread_no(stated))
    rank = received * len(WORST_LAST) + severity
    said_last, refused = words.silence(givers), np.zeros(givers, np.uint16)
    for place in range(16):
        bit = np.uint16(1 << place)
        names, reached = stated & bit != 0, reaches & bit != 0
        last = _latest(giver[names], rank[names], givers)
        refused[last % len(WORST_LAST) == 2] |= bit
        # Of two grants of one day the one that ends first counts, so that no order enters.
        newest = names & is_grant & (rank == last[giver])
        end = np.full(givers, _NEVER)
        end[giver[newest]] = FOREVER
        np.minimum.at(end, giver[newest], ends[newest])
        ended = reached & ~is_grant
        last_no = _latest(giver[ended], received[ended], givers)
        named_on = last // len(WORST_LAST)
        granted = (end > on) & (last_no < named_on)
        said_last[:, place] = np.maximum(2 * np.maximum(named_on, last_no) + ~granted, words.NOTHING)
    return said_last, purposes.spread_no(refused)


def _latest(giver: Ints, rank: Ints, givers: int) -> Ints:
    """The highest rank of each giver."""
    latest = np.full(givers, _NEVER)
    np.maximum.at(latest, giver, rank)
    return latest
