"""Doing many things at once, in order: Arrow, hashing and waiting for a store leave the interpreter free."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")

CORES = os.cpu_count() or 1


def in_threads(
    function: Callable[[_Item], _Outcome], items: Sequence[_Item], at_once: int = CORES
) -> Iterator[_Outcome]:
    """The outcomes in the order of ``items``. What was not begun when one fails is not begun at all."""
    if min(at_once, len(items)) <= 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(function, items)
