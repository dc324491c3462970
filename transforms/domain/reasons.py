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
    "opt_out_content",
    "opt_out_host",
    "consent_refused",
    "signal_no",
    "people_present",
    "people_unknown",
    "consent_missing",
    "signal_unreadable",
    "signal_unknown",
)
"""By place, from 0."""

PRECEDENCE = (
    "opt_out_item",
    "opt_out_owner",
    "opt_out_content",
    "opt_out_url",
    "opt_out_host",
    "opt_out_tag",
    "consent_refused",
    "signal_no",
    "people_present",
    "people_unknown",
    "consent_missing",
    "deleted",
    "private",
    "missing",
    "visibility_unknown",
    "signal_unreadable",
    "signal_unknown",
    "license_unknown",
    "license_withdrawn",
    "license_not_allowed",
)
"""What a person said about their own items comes before what a host says, that before what a platform shows,
and that before what a license allows. The first reason of a row is the one that stands first here."""
assert sorted(PRECEDENCE) == sorted(REASONS)

BIT = {reason: 1 << place for place, reason in enumerate(REASONS)}

OPT_OUTS = ("item", "owner", "content", "url", "host", "tag")
"""By what an item can be opted out: each is a column `no_<kind>` of facts, and a reason `opt_out_<kind>`."""
