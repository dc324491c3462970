"""What became of an entry: by the plain rule, day by day."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest

from transforms.domain.purposes import ALL, bits_of, names_of
from transforms.domain.schemas import OPT_OUTS
from transforms.lifecycle import fates_of, purposes_left


def day(number: int) -> datetime.date:
    return datetime.date(2026, 11, number)


def entry(state: str, received: int, **more: Any) -> dict[str, Any]:
    return {
        "request": "r",
        "kind": "owner",
        "source": "flickr",
        "key": "1@N00",
        "raw": "1@N00",
        "purposes": ALL,
        "state": state,
        "received_on": day(received),
        "effective_on": day(received),
        **more,
    }


ASKED = entry("active", 10)


@pytest.mark.parametrize(
    ("asked", "others", "by_day"),
    [
        (ASKED, [], {10: "active", 30: "active"}),
        ({**ASKED, "effective_on": day(12)}, [], {10: "received", 11: "received", 12: "active"}),
        ({**ASKED, "expires_on": day(12)}, [], {11: "active", 12: "expired"}),
        (entry("held", 10), [], {10: "held", 30: "held"}),
        (ASKED, [entry("withdrawn", 12)], {11: "active", 12: "withdrawn"}),
        (ASKED, [entry("withdrawn", 12, effective_on=day(14))], {13: "active", 14: "withdrawn"}),
        (ASKED, [entry("withdrawn", 12, purposes=bits_of(["metadata-index"]))], {12: "withdrawn"}),
        (ASKED, [entry("withdrawn", 12, purposes=bits_of(["search"]))], {12: "active"}),
        (entry("held", 10), [entry("withdrawn", 12)], {11: "held", 12: "withdrawn"}),
        (ASKED, [entry("withdrawn", 10)], {10: "active", 30: "active"}),  # on one day it stands
        (ASKED, [entry("withdrawn", 9)], {10: "active"}),
        (ASKED, [entry("withdrawn", 12, requester="k:1")], {30: "active"}),  # somebody else's
        (ASKED, [entry("withdrawn", 12, origin="registry")], {30: "active"}),
        (ASKED, [entry("withdrawn", 12, key="2@N00")], {30: "active"}),
    ],
)
def test_each_day(asked: dict[str, Any], others: list[dict[str, Any]], by_day: dict[int, str]) -> None:
    entries = pa.Table.from_pylist([asked], schema=OPT_OUTS)
    ledger = pa.Table.from_pylist([asked, *others], schema=OPT_OUTS)
    found = {number: fates_of(entries, ledger, day(number))[0] for number in by_day}
    assert found == by_day


def test_what_is_taken_back_for_some_purposes_stands_for_the_others() -> None:
    asked = entry("active", 10, purposes=bits_of(["computer-vision"]))
    back = entry("withdrawn", 12, purposes=bits_of(["generative-training", "face-detection"]))
    entries = pa.Table.from_pylist([asked], schema=OPT_OUTS)
    ledger = pa.Table.from_pylist([back, asked], schema=OPT_OUTS)
    assert fates_of(entries, ledger, day(20)) == ["active"]
    (left,) = purposes_left(entries, ledger, day(20))
    assert names_of(left) == ["discriminative-training", "ai-inference", "computer-vision"]
