"""What a release is for: the purposes that a policy, a consent or an opt-out may name."""

from __future__ import annotations

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
