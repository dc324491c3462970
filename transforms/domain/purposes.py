"""What a release is for: purposes, their order, and how a no and a yes spread along it.

A purpose has at most one *broader* one: leave for the narrower asks for more, and entails leave for the
broader. So a no spreads to all narrower purposes, and a yes, which is the contrapositive, to the broader
ones; but never to one that is *people-sensitive*: for that a person says yes to it by name.

::

    metadata-index
    ├── search
    └── research-noncommercial
        ├── commercial
        └── computer-vision                 where `no_cv` speaks
            ├── generative-training
            ├── ai-inference
            └── discriminative-training
                └── face-detection          people-sensitive, as all below
                    ├── face-recognition
                    └── biometric-annotation

Items are images and videos: whoever trains on them, or shows them to a model, has a machine look at them. So
training and inference are narrower than computer vision, as those who tagged photos `no_cv` meant it when
image generators were trained on them (NVIDIA's FFHQ honors the tag for just that).

Sets of purposes are bit sets of 16 bits; a purpose's place in :data:`PURPOSES` never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

PURPOSES = (
    "metadata-index",  # listing that items exist: no copy of them is made
    "search",  # finding and showing them, with a link to where they are
    "research-noncommercial",
    "commercial",
    "generative-training",  # models that make text, images, sound
    "discriminative-training",  # models that classify, detect, rank
    "ai-inference",  # as input to a model that is already trained
    "computer-vision",
    "face-detection",  # that there is a face
    "face-recognition",  # whose face it is
    "biometric-annotation",  # measures of a body or face, kept with the item
)
"""By place, from 0: a new one is appended."""

BROADER = MappingProxyType(
    {
        "search": "metadata-index",
        "research-noncommercial": "metadata-index",
        "commercial": "research-noncommercial",
        "computer-vision": "research-noncommercial",
        "generative-training": "computer-vision",
        "ai-inference": "computer-vision",
        "discriminative-training": "computer-vision",
        "face-detection": "discriminative-training",
        "face-recognition": "face-detection",
        "biometric-annotation": "face-detection",
    }
)
"""The next broader purpose of each that has one."""

PEOPLE_SENSITIVE = ("face-detection", "face-recognition", "biometric-annotation")

BIT = MappingProxyType({purpose: 1 << place for place, purpose in enumerate(PURPOSES)})

ALL = 0xFFFF
"""Every purpose, those to come too: what a request that names none covers."""

Purposes = npt.NDArray[np.uint16]


def bits_of(purposes: Iterable[str]) -> int:
    """The bit set of some purposes."""
    return sum({BIT[purpose] for purpose in purposes})


def names_of(bits: int) -> list[str]:
    """The purposes in a bit set, in the order of :data:`PURPOSES`."""
    return [purpose for purpose in PURPOSES if bits & BIT[purpose]]


def broader_or_same(purpose: str) -> list[str]:
    """The purpose and all broader ones, the narrowest first."""
    line = [purpose]
    while line[-1] in BROADER:
        line.append(BROADER[line[-1]])
    return line


def spread_no(bits: Purposes) -> Purposes:
    """What a no to each set of purposes is a no to: those, and all that are narrower. :data:`ALL` stays."""
    return _spread(bits, _NO)


def spread_yes(bits: Purposes) -> Purposes:
    """What a yes to each set of purposes is a yes to: those, and the broader ones not people-sensitive."""
    return _spread(bits, _YES)


def _spread(bits: Purposes, reached: dict[str, int]) -> Purposes:
    bits = np.asarray(bits, np.uint16)
    spread = bits.copy()
    for purpose, further in reached.items():
        spread[bits & np.uint16(BIT[purpose]) != 0] |= np.uint16(further)
    return spread


_NO = {
    purpose: bits_of(each for each in PURPOSES if purpose in broader_or_same(each)) for purpose in PURPOSES
}
_YES = {
    purpose: bits_of(each for each in broader_or_same(purpose)[1:] if each not in PEOPLE_SENSITIVE)
    for purpose in PURPOSES
}
