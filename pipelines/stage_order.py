"""The order of a release's stages: by its place a plan finds the results of a stage before its own."""

from __future__ import annotations

from enum import IntEnum


class Place(IntEnum):
    """Of each stage of a release."""

    STANDING = 0
    RESOLVE = 1
    LEDGER = 2
    WIDE_TARGETS = 3
    SCAN = 4
    STANDING_SIGNALS = 5
    SIGNALS = 6
    JOIN = 7
    CUT = 8
    TALLY = 9
