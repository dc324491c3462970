"""The answer for one item of what readers found: the whole way from captures to a purpose."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pyarrow as pa

from transforms.domain.purposes import BIT
from transforms.signals.adjudicate import adjudicate, standing_signals
from transforms.signals.rules import Rule, table_of

DAY = datetime.date(2026, 11, 1)


def rows_of(*items: tuple[str, str | None, str | None]) -> pa.Table:
    """Items of one platform: id, page, image."""
    ids, pages, images = zip(*items, strict=True)
    texts = [pa.array(list(column), pa.string()) for column in (["flickr"] * len(ids), ids, pages, images)]
    return pa.table(dict(zip(["source", "item_id", "page_url", "image_url"], texts, strict=True)))


def signaled(rules: Sequence[Rule], image: str, page: str | None = None, on: datetime.date = DAY) -> dict:
    """What is said of the item 7 with these addresses; says nothing where there is no row."""
    rows = adjudicate(rows_of(("7", page, image)), standing_signals(table_of(rules), on)).to_pylist()
    return rows[0] if rows else {"row": 0, "no": 0, "yes": 0, "unreadable": False, "stale": False}


def answer(said: dict, purpose: str) -> str:
    """Yes, no or unknown."""
    if said["no"] & BIT[purpose]:
        return "no"
    return "yes" if said["yes"] & BIT[purpose] else "unknown"
