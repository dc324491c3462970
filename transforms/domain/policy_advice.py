"""Advice about a policy: what is allowed, and lets in more than whoever wrote it may have meant.

A fault is an error, and :mod:`transforms.domain.policy` finds it. What is said here is up to the author.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from transforms.domain.licenses import LICENSES
from transforms.domain.policy import Policy, parse_policy
from transforms.domain.purposes import PEOPLE_SENSITIVE

_NO_COPY = ("metadata-index", "search")
"""What is done without a copy of the item, so that no license is needed for it."""
_NEEDS = {
    "commercial": ("commercial_use",),
    "generative-training": (
        "commercial_use",
        "derivatives",
    ),  # what is made is like what was seen, and is sold
}
"""What a license should grant for a purpose, besides copying."""


def advise(text: str, place: str) -> list[str]:
    """What to think about once more, each with the key that it is about; nothing if the policy is strict.

    Args:
        text: the policy, in TOML.
        place: the file's name.

    Raises:
        ConfigError: it is no policy, with every fault in it.
    """
    policy = parse_policy(text, place)
    return [*_said_twice(text), *_licenses(policy), *_unknown_kept(policy), *_people(policy)]


def _said_twice(text: str) -> Iterator[str]:
    licenses = tomllib.loads(text)["licenses"]
    if permitted := licenses.get("permit", []):
        granted = [
            each for each in licenses.get("allow", []) if all(getattr(LICENSES[each], p) for p in permitted)
        ]
        if granted:
            yield f"licenses.allow: {_some(granted)} {_are(granted)} allowed by licenses.permit already"


def _unknown_kept(policy: Policy) -> Iterator[str]:
    if policy.unknown_license == "keep" and policy.purpose not in _NO_COPY:
        yield "licenses.unknown: keeps items of which nobody knows under what license they are"
    for key, verdict, what in (
        ("private", policy.private, "that their owners hid"),
        ("deleted", policy.deleted, "that their owners deleted"),
        ("missing", policy.missing, "that are no longer where they were"),
        ("unknown", policy.unknown_visibility, "of which nobody knows whether they are public"),
    ):
        if verdict == "keep":
            yield f"visibility.{key}: keeps items {what}"
    if policy.unreadable_signal == "keep":
        yield "signals.unreadable: keeps items of which a source says something that could not be read"


def _people(policy: Policy) -> Iterator[str]:
    verdicts = (("present", policy.people_present), ("unknown", policy.people_unknown))
    if policy.purpose in PEOPLE_SENSITIVE:
        for key, verdict in verdicts:
            if verdict == "keep":
                yield f"people.{key}: keeps items for {policy.purpose} without any leave of those in them"
        if policy.grant != "depicted" and "require-grant" in dict(verdicts).values():
            yield f"people.grant: for {policy.purpose} the owner's word counts for the people depicted"
    if policy.people_present != "keep" and policy.people_unknown == "keep":
        yield "people.unknown: keeps items in which people may be, while people.present does not"


def _licenses(policy: Policy) -> Iterator[str]:
    needed = () if policy.purpose in _NO_COPY else ("copying", *_NEEDS.get(policy.purpose, ()))
    for permission in needed:
        lacking = [each for each in policy.allowed if not getattr(LICENSES[each], permission)]
        if lacking:
            grant = "grants" if len(lacking) == 1 else "grant"
            yield f"licenses: {_some(lacking)} {grant} no {permission}, for the purpose {policy.purpose}"
    if policy.license_change == "as_ingested":
        yield "licenses.change: a license that was withdrawn since counts as if it still held"


def _some(names: list[str]) -> str:
    """At most three names."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
