"""Why a row is left out: stable names, their bits, and their precedence.

The order of :data:`REASONS` is the precedence: what a person said about their own items comes before
what a platform shows, and that before what a license allows. A reason's place never changes, since
its bit is written into releases; new ones are appended and given a rank of their own.
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
)

BIT = {reason: 1 << place for place, reason in enumerate(REASONS)}

# The low bits of `reasons` are the facts' own opt-out bits: one vocabulary, no translation.
OPT_OUT_BITS = {kind: BIT[f"opt_out_{kind}"] for kind in ("item", "owner", "url", "tag")}
