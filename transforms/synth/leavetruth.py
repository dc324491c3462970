"""The known answers for what people ask and grant, by purpose, worked out without byleave's own code."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np

from transforms.synth.draws import I64, Mask
from transforms.synth.leave import (
    GRANTED,
    GRANTED_BOTH,
    REFUSED,
    Leave,
    asked_of,
    has_people,
    looked_at,
    said_by_depicted,
)
from transforms.synth.optouts import OptOutList
from transforms.synth.population import Population

AS_OF = datetime.date(2026, 11, 20)

# Each policy's purpose with the broader ones: a no to any of them is a no to it.
PURPOSES = {
    "metadata-index": ("metadata-index",),
    "research": ("research-noncommercial", "metadata-index"),
    "commercial": ("commercial", "research-noncommercial", "metadata-index"),
    "computer-vision": ("computer-vision", "research-noncommercial", "metadata-index"),
    "generative-training": (
        "generative-training", "computer-vision", "research-noncommercial", "metadata-index",
    ),
    "face-detection": (
        "face-detection", "discriminative-training", "computer-vision", "research-noncommercial",
        "metadata-index",
    ),
    "face-recognition": (
        "face-recognition", "face-detection", "discriminative-training", "computer-vision",
        "research-noncommercial", "metadata-index",
    ),
}  # fmt: skip
"""By the policies that are shipped."""


def said_no(
    people: Population, item: I64, owner: I64, lists: Sequence[OptOutList], leave: Leave, policy: str
) -> dict[str, Mask]:
    """By reason, in their precedence: the items that people said no to, or did not say yes to."""
    purposes = {*PURPOSES[policy]}
    plain_items = np.setdiff1d(np.concatenate([each.items for each in lists]), leave.items_back)
    plain_owners = np.setdiff1d(np.concatenate([each.owners for each in lists]), leave.owners_back)
    said = said_by_depicted(people, item)
    nothing = np.zeros(len(item), np.bool_)
    sees = "computer-vision" in purposes
    asks_people = "face-detection" in purposes
    granted = (GRANTED_BOTH,) if policy == "face-recognition" else (GRANTED, GRANTED_BOTH)
    known_without = looked_at(people, item) & ~has_people(people, item)
    return {
        "opt_out_item": np.isin(item, np.concatenate([plain_items, asked_of(leave.items, purposes)])),
        "opt_out_owner": np.isin(
            owner, np.concatenate([plain_owners, leave.renamed, asked_of(leave.owners, purposes)])
        ),
        "opt_out_tag": people.has_no_cv(item) if sees else nothing,
        "consent_refused": (said == REFUSED) if sees else nothing,
        "consent_missing": ~known_without & ~np.isin(said, granted) if asks_people else nothing,
    }
