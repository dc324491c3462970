"""Opt-out lists as tests read them, and what must come of them, worked out entry by entry."""

import datetime
import hashlib

import pytest

from transforms.domain.errors import InputError
from transforms.domain.purposes import ALL
from transforms.formats.optouts.entries import Received
from transforms.formats.optouts.reading import read_list

DAY = datetime.date(2026, 11, 10)
KEY = b"a key for tests, 32 bytes long.."
PEOPLE = {"item", "owner", "alias", "name"}


def read(data, place="list.txt", *, source="flickr", received_on=DAY, key=KEY, **how):
    if isinstance(data, str):
        data = data.encode()
    return read_list(data, Received(place, source, received_on, key=key, **how))


def fault_in(data, place="list.txt", error=InputError, **how):
    with pytest.raises(error) as caught:
        read(data, place, **how)
    return str(caught.value)


def entry(kind, key, raw, *, source="flickr", **said):
    """The entry of a cell, with what else its row says."""
    row = {
        "kind": kind,
        "source": source if kind in PEOPLE else None,
        "key": key,
        "raw": raw,
        "purposes": ALL,
        "state": "active",
        "held_for": None,
        "requested_on": None,
        "received_on": DAY,
        "effective_on": DAY,
        "expires_on": None,
        "origin": None,
        "evidence": None,
        "requester": None,
    } | said
    asked = ("kind", "source", "key", "purposes", "origin", "requester", "received_on")
    text = "\x1f".join("" if row[name] is None else str(row[name]) for name in asked)
    return {"request": "r" + hashlib.sha256(text.encode()).hexdigest()[:16]} | row


def merged(rows):
    """The entries of rows: of those that differ in nothing but how they are written, the least spelling."""
    least = {}
    for row in rows:
        place = tuple(value for name, value in row.items() if name != "raw")
        least[place] = min((least.get(place, row), row), key=lambda each: each["raw"].encode())

    def order(row):
        rest = [row[name] for name in row if name not in ("kind", "key", "source", "raw")]
        words = (row["kind"], row["key"].encode(), (row["source"] or "").encode())
        return (
            *words,
            *(
                (value is not None, value or 0, "")
                if isinstance(value, int)
                else (value is not None, 0, str(value))
                for value in rest
            ),
        )

    return sorted(least.values(), key=order)
