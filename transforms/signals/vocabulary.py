"""What the words of each mechanism say, as sets of purposes: as stated, before a no or a yes spreads.

A word that could mean more or less is read so that a no covers more and a yes less. The sources are quoted in
``docs/signals.md``. What stands nowhere here says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from transforms.domain.purposes import bits_of

_SEARCH = bits_of(["search"])
_GENERATIVE = bits_of(["generative-training"])
_DISCRIMINATIVE = bits_of(["discriminative-training"])
_INFERENCE = bits_of(["ai-inference"])
_VISION = bits_of(["computer-vision"])
TRAINING = _GENERATIVE | _DISCRIMINATIVE
"""Training of any kind of model: what ai.txt and registries are about."""

ROBOTS_HEADER = MappingProxyType(
    {
        # DeviantArt, which coined them: no use to train "machine-learning models of any kind".
        "noai": TRAINING,
        "noimageai": TRAINING,
        # Google's specification: not to be shown in results of a search; `none` is `noindex, nofollow`.
        "noindex": _SEARCH,
        "noimageindex": _SEARCH,
        "none": _SEARCH,
    }
)
"""X-Robots-Tag: to what each directive says no. None says yes."""

CONTENT_SIGNALS = MappingProxyType(
    {
        # contentsignals.org: results with links and excerpts; input to models, such as retrieval; training or
        # fine-tuning of models, which are not told apart.
        "search": _SEARCH,
        "ai-input": _INFERENCE,
        "ai-train": TRAINING,
    }
)

TDM_RESERVED = bits_of(["commercial"]) | _VISION
"""Directive (EU) 2019/790, Article 4: analysis for any purpose but scientific research, commercial ones among
them. Article 3 excepts only the research of some, which no release can know itself to be."""

TDM_FREE = _VISION | TRAINING | _INFERENCE
"""What TDM is for, of items: analysis by machine. Not commerce with the items themselves."""

TRAINING_MINING = MappingProxyType(
    {
        # CAWG 1.1, and C2PA 1.4 with another prefix: `ai_training` is of "non-generative" models.
        "data_mining": _VISION,
        "ai_inference": _INFERENCE,
        "ai_training": _DISCRIMINATIVE,
        "ai_generative_training": _GENERATIVE,
    }
)


@dataclass(frozen=True)
class Draft:
    """The categories of use of one version of draft-ietf-aipref-vocab.

    Attributes:
        name: by which what was read is recorded.
        uses: purposes of each label.
        within: of a label, the one that speaks for it where it is not stated itself.
    """

    name: str
    uses: MappingProxyType[str, int]
    within: MappingProxyType[str, str]


def _draft(name: str, uses: dict[str, int], within: dict[str, str] | None = None) -> Draft:
    return Draft(name, MappingProxyType(uses), MappingProxyType(within or {}))


AIPREF = (
    # -05 (foundation models), -06 and -07 (models that generate) mean the same purposes.
    _draft("aipref-07", {"train-ai": _GENERATIVE, "search": _SEARCH}),
    _draft(
        "aipref-04",
        {"bots": _VISION, "train-ai": _GENERATIVE, "ai-output": _INFERENCE, "search": _SEARCH},
        {"train-ai": "bots", "ai-output": "bots", "search": "ai-output"},
    ),
    _draft(
        "aipref-03",
        {"bots": _VISION, "train-ai": TRAINING, "train-genai": _GENERATIVE, "search": _SEARCH},
        {"train-ai": "bots", "train-genai": "train-ai", "search": "bots"},
    ),
    _draft(
        "aipref-02",
        {
            "all": _VISION,
            "train-ai": TRAINING,
            "train-genai": _GENERATIVE,
            "ai-use": _INFERENCE,
            "search": _SEARCH,
        },
        {"train-ai": "all", "train-genai": "train-ai", "ai-use": "all", "search": "all"},
    ),
    _draft(
        "aipref-01",
        {"tdm": _VISION, "ai": TRAINING, "genai": _GENERATIVE, "inference": _INFERENCE, "search": _SEARCH},
        {"ai": "tdm", "genai": "ai", "inference": "tdm", "search": "tdm"},
    ),
)
"""The newest first. A statement is read by the newest draft that has all of its labels."""
