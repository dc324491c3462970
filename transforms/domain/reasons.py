"""Why a row is left out: stable names, their bits, and their precedence.

A reason's place in :data:`REASONS` never changes, since its bit is written into releases: a new one is
appended there, and put where it belongs in :data:`PRECEDENCE`.
"""

from __future__ import annotations

REASONS = (
    "opt_out_item",
    "opt_out_owner",
    "opt_out_url",
    "opt_out_tag",
    "deleted",
    "private",
    "visibility_unknown",
    "license_unknown",
    "license_withdrawn",
    "license_not_allowed",
    "missing",
)
"""By place, from 0."""

PRECEDENCE = (
    "opt_out_item",
    "opt_out_owner",
    "opt_out_url",
    "opt_out_tag",
    "deleted",
    "private",
    "missing",
    "visibility_unknown",
    "license_unknown",
    "license_withdrawn",
    "license_not_allowed",
)
"""What a person said about their own items comes before what a platform shows, and that before what a license
allows. The first reason of a row is the one that stands first here."""
assert sorted(PRECEDENCE) == sorted(REASONS)

BIT = {reason: 1 << place for place, reason in enumerate(REASONS)}

# The low bits of `reasons` are the facts' own opt-out bits: one vocabulary, no translation.
OPT_OUT_BITS = {kind: BIT[f"opt_out_{kind}"] for kind in ("item", "owner", "url", "tag")}
