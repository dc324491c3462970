"""What signals come to, item by item and rule by rule: slow, plain, and without the program's matching."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from transforms.domain.purposes import BIT, PEOPLE_SENSITIVE, PURPOSES, broader_or_same

Row = dict[str, Any]


def expected(rows: Iterable[Row], signals: Iterable[Row]) -> list[Row]:
    """Rows of SIGNALED for rows of a manifest and signals that stand, as dictionaries."""
    signals = list(signals)
    found = [(place, signaled(row, signals)) for place, row in enumerate(rows)]
    return [{"row": place, **said} for place, said in found if any(said.values())]


def signaled(row: Row, signals: list[Row]) -> Row:
    said = [
        rule
        for rule in signals
        if (rule["kind"], rule["source"], rule["key"]) == ("item", row["source"], row["item_id"])
    ]
    for url in (row["page_url"], row["image_url"]):
        if url is not None:
            said += heard(url, signals)
    no = yes = 0
    for rule in said:
        no |= sum(BIT[each] for each in PURPOSES for up in broader_or_same(each) if rule["no"] & BIT[up])
        yes |= sum(
            BIT[each] for each in PURPOSES if any(each in broader_or_same(p) for p in stated(rule["yes"]))
        )
    for purpose in PURPOSES:
        if no & BIT[purpose] or purpose in PEOPLE_SENSITIVE:
            yes &= ~BIT[purpose]
    return {
        "no": no,
        "yes": yes,
        "unreadable": any(rule["fact"] == "unreadable" for rule in said),
        "stale": any(rule["stale"] for rule in said),
    }


def stated(bits: int) -> list[str]:
    return [purpose for purpose in PURPOSES if bits & BIT[purpose]]


def heard(url: str, signals: list[Row]) -> list[Row]:
    """The rules that speak of one address."""
    host, path = parted(url)
    said = [rule for rule in signals if rule["kind"] == "url" and same(rule["key"], url)]
    header = {
        rule["authority"]
        for rule in said
        if rule["mechanism"] == "tdmrep-header" and rule["no"] | rule["yes"]
    }
    there = [rule for rule in signals if rule["kind"] == "host" and rule["key"] == host]
    for mechanism, authority in {(rule["mechanism"], rule["authority"]) for rule in there}:
        ours = [rule for rule in there if (rule["mechanism"], rule["authority"]) == (mechanism, authority)]
        said += [rule for rule in ours if rule["fact"] in ("unreadable", "unavailable")]
        matching = [rule for rule in ours if rule not in said and matches(rule["path"], path)]
        longest = max((len(plain(rule["path"])) for rule in matching), default=0)
        if not (authority in header and mechanism == "tdmrep-file"):
            said += [rule for rule in matching if len(plain(rule["path"])) == longest]
    return said


def parted(url: str) -> tuple[str, str]:
    bare = url.partition("#")[0].partition("://")[2]
    host, slash, rest = bare.partition("/")
    return host.lower().removesuffix(":443"), slash + rest or "/"


def same(one: str, other: str) -> bool:
    """Whether two URLs are one address, whatever their scheme, the host's case and final slashes."""
    host, path = parted(other)
    return one == (host + path).rstrip("/").replace("%40", "@")


def plain(path: str) -> bytes:
    """Without escapes, but for those that mean something."""
    kept = re.sub("%(2F|25|2A|24)", lambda found: f"%25{found[1]}", path, flags=re.IGNORECASE)
    return unquote_to_bytes(kept)


def matches(pattern: str, path: str) -> bool:
    """Letter by letter: `*` is any run of them."""
    ends = pattern.endswith("$")
    letters = plain(pattern.removesuffix("$").replace("$", "%24"))
    reached = {0}
    for letter in plain(path.replace("*", "%2A").replace("$", "%24")):
        reached = {place for place in reached if place < len(letters)} | (
            {len(letters)} if not ends and len(letters) in reached else set()
        )
        stars = {place for place in closed(reached, letters) if letters[place : place + 1] == b"*"}
        steps = {
            place + 1 for place in closed(reached, letters) if letters[place : place + 1] == bytes([letter])
        }
        reached = (
            stars
            | steps
            | ({len(letters)} if not ends and len(letters) in closed(reached, letters) else set())
        )
    return len(letters) in closed(reached, letters)


def closed(reached: set[int], letters: bytes) -> set[int]:
    """With the places behind stars that stand for nothing."""
    todo, seen = list(reached), set(reached)
    while todo:
        place = todo.pop()
        if letters[place : place + 1] == b"*" and place + 1 not in seen:
            seen.add(place + 1)
            todo.append(place + 1)
    return seen
