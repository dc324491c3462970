"""The rules once more, a row at a time, in plain Python: what the vectorized steps must agree with.

A row is a dict. Nothing here looks at Arrow, and nothing here needs to be fast.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections import Counter

from transforms.domain import license_changes
from transforms.domain.licenses import LICENSES
from transforms.domain.reasons import PRECEDENCE

WORST_FIRST = ("deleted", "private", "missing", "unknown", "public")


# --- Keys ------------------------------------------------------------------------------------------------


def mix(state):
    state ^= state >> 33
    state = state * 0xFF51AFD7ED558CCD % 2**64
    state ^= state >> 33
    state = state * 0xC4CEB9FE1A85EC53 % 2**64
    return state ^ (state >> 33)


def hash_one(text, seed=0):
    data = text.encode()
    state = mix(seed ^ len(data))
    for start in range(0, len(data), 8):
        state = mix(state ^ int.from_bytes(data[start : start + 8], "little"))
    return state


def item_hash(source, item_id):
    return hash_one(item_id, mix((hash_one(source) + 1) % 2**64))


def home(row):
    if row["owner_id"] is None:
        return item_hash(row["source"], row["item_id"])
    return hash_one(row["owner_id"], mix(hash_one(row["source"])))


def pair(row):
    return row["source"], row["item_id"]


# --- Merge and index -------------------------------------------------------------------------------------


def nulls_last(value):
    return (value is None, value)


def preference(value):
    """By what one of two manifest values is preferred: the smaller key."""
    if isinstance(value, list):
        return False, [f"{len(text.encode())}:{text}" for text in value]
    if isinstance(value, float):
        return False, value, struct.pack(">d", value)[0] < 0x80  # -0.0 before 0.0
    return value is None, value


def merge_manifest(rows, losers):
    lost = {(*pair(loser), loser["home"]) for loser in losers}
    best = {}
    for row in rows:
        if (*pair(row), home(row)) not in lost:
            best.setdefault(pair(row), []).append(row)
    says_no = lambda row: "nocv" in map(plain_tag, all_tags(row))  # noqa: E731
    people = lambda row: row["person_present"] is True  # noqa: E731
    rule = lambda row: (not says_no(row), not people(row), [preference(v) for v in row.values()])  # noqa: E731
    winners = [min(rivals, key=rule) for rivals in best.values()]
    return sorted(winners, key=lambda row: (row["source"], nulls_last(row["owner_id"]), row["item_id"]))


def belief(look):
    """By what one of two looks at an item is believed: the smaller key."""
    return (
        -look["observed_on"].toordinal(),
        WORST_FIRST.index(look["visibility"]),
        strictness(look["license"]),
    )


def strictness(license_id):
    """By what one of two licenses is stricter: the smaller key."""
    terms = LICENSES.get(license_id)
    if terms is None:
        return [0, license_id]
    if license_id == "all-rights-reserved":
        return [1, license_id]
    derivatives = terms.derivatives * (2 - terms.share_alike)
    grants = [terms.copying, terms.commercial_use, derivatives, not terms.attribution, terms.public_domain]
    return [2, *grants, license_id]


def merge_licenses(rows):
    best = {}
    for row in rows:
        best.setdefault((*pair(row), nulls_last(row["observed_on"])), []).append(row)
    rule = lambda row: (  # noqa: E731
        WORST_FIRST.index(row["visibility"]),
        strictness(row["license"]),
        nulls_last(row["license_raw"]),
        nulls_last(row["owner_id"]),
    )
    return [min(best[key], key=rule) for key in sorted(best)]


def index(entries):
    """The home of each item, and the (source, item, home) that lost."""
    homes = {}
    for entry in entries:
        homes.setdefault(pair(entry), set()).add(entry["home"])
    winner = {item: min(some, key=lambda h: (h == item_hash(*item), h)) for item, some in homes.items()}
    return winner, {(*item, h) for item, some in homes.items() for h in some if h != winner[item]}


# --- Facts and verdict -----------------------------------------------------------------------------------


def all_tags(row):
    return [*(row["tags"] or []), *(row["machine_tags"] or [])]


def plain_tag(tag):
    return re.sub("[ _-]", "", unicodedata.normalize("NFKD", tag).lower())


def plain_url(url):
    url = re.sub("^((https?:)?//)+", "", url.partition("#")[0], flags=re.IGNORECASE)
    url = re.sub("^([^/:]*):(80|443)(?=/|$)", r"\1", url.replace("%40", "@")).rstrip("/")
    return re.sub("^[^/?]*", lambda host: host[0].lower(), url)


def opt_outs_one(row, opt_outs):
    """The kinds of opt-out that the row meets."""
    said = {"item": set(), "owner": set(), "url": set(), "tag": {(None, "nocv")}}
    for opt_out in opt_outs:
        said[opt_out["kind"]].add((opt_out["source"], opt_out["key"]))
    named = {
        "item": {(row["source"], row["item_id"])},
        "owner": {(row["source"], row["owner_id"])},
        "url": {
            (None, plain_url(url)) for url in (row["page_url"], row["image_url"], row["owner_id"]) if url
        },
        "tag": {(None, plain_tag(tag)) for tag in all_tags(row)},
    }
    return {kind for kind in said if said[kind] & named[kind]}


def facts_one(row, looks, opt_outs):
    believed = min((look for look in looks if pair(look) == pair(row)), key=belief, default=None)
    now = believed["license"] if believed else row["license"]
    return {
        "license_then": row["license"],
        "license_now": now,
        "direction": license_changes.compare(row["license"], now),
        "visibility": believed["visibility"] if believed else "unknown",
        "observed": believed is not None,
        "opt_outs": opt_outs_one(row, opt_outs),
        "upload_year": row["uploaded_at"].year if row["uploaded_at"] else None,
        "media_type": row["media_type"],
    }


def decide_one(fact, policy):
    """Every reason to leave the item out, in order of precedence."""
    newest = policy.license_change == "newest"
    license_id = fact["license_now"] if newest else fact["license_then"]
    refused = license_id != "unknown" and license_id not in policy.allowed
    holds = {
        **{f"opt_out_{kind}": kind in fact["opt_outs"] for kind in ("item", "owner", "url", "tag")},
        "deleted": fact["visibility"] == "deleted" and policy.deleted == "exclude",
        "private": fact["visibility"] == "private" and policy.private == "exclude",
        "missing": fact["visibility"] == "missing" and policy.missing == "exclude",
        "visibility_unknown": fact["visibility"] == "unknown" and policy.unknown_visibility == "exclude",
        "license_unknown": license_id == "unknown" and policy.unknown_license == "exclude",
        "license_withdrawn": refused and newest and fact["direction"] == "withdrawn",
        "license_not_allowed": refused,
    }
    return [reason for reason in PRECEDENCE if holds[reason]]


# --- The ledger ------------------------------------------------------------------------------------------


def said_of(item, looks):
    """All that ``looks`` say of an item, as (valid, known, observer, license, visibility)."""
    said = []
    for look in looks:
        for row in look["rows"]:
            if pair(row) == item:
                valid = row["observed_on"] or look["day"]
                said.append((valid, look["day"], look["observer"], row["license"], row["visibility"]))
    missing = []
    for look in looks:
        day = look["looked_on"] or look["day"]
        before = [known for valid, known, *_ in said if valid < day]
        if look["full"] and before and item not in map(pair, look["rows"]):
            missing.append((day, max(look["day"], min(before)), look["observer"], "unknown", "missing"))
    return said + missing


def in_order(said, observers):
    """By which of two observations rules: the later one."""

    def rule(one):
        valid, known, observer, license_id, visibility = one
        trusted = -observers.index(observer) if observer in observers else -len(observers)
        return valid, trusted, -WORST_FIRST.index(visibility), -licenses.index(license_id), known, observer

    licenses = sorted({one[3] for one in said}, key=strictness)
    return sorted(said, key=rule)


def as_of(said, valid_on, known_on, observers):
    """The (license, visibility) that rules on a day, as was known on another; None if nothing was said."""
    told = [one for one in in_order(said, observers) if one[0] <= valid_on and one[1] <= known_on]
    return told[-1][3:] if told else None


def timeline(said, known_on, observers):
    """(valid_from, valid_to, license, visibility, observer) of each stretch of one answer, as known then."""
    told = [one for one in in_order(said, observers) if one[1] <= known_on]
    stretches = []
    for day in sorted({one[0] for one in told}):
        answer = as_of(told, day, known_on, observers)
        first = min((one for one in told if one[0] == day and one[3:] == answer), key=lambda one: one[1])
        if not stretches or stretches[-1][1:3] != answer:
            stretches.append((day, *answer, first[2]))
    ends = [stretch[0] for stretch in stretches[1:]] + [None]
    return [(start, end, *rest) for (start, *rest), end in zip(stretches, ends, strict=False)]


def ledger_of(said, observers):
    """(valid_from, known_from, valid_to, known_to, license, visibility, observer) of each rectangle."""
    begun, rows = {}, []
    for day in sorted({one[1] for one in said}):
        line = timeline(said, day, observers)
        for gone in [stretch for stretch in begun if stretch not in line]:
            rows.append((gone[0], begun.pop(gone), gone[1], day, *gone[2:]))
        for stretch in line:
            begun.setdefault(stretch, day)
    rows += [(start, known, end, None, *rest) for (start, end, *rest), known in begun.items()]
    return sorted(rows, key=lambda row: row[:2])


# --- What is counted -------------------------------------------------------------------------------------


def owners(rows):
    return len({(row["source"], row["owner_id"]) for row in rows if row["owner_id"] is not None})


def tally(rows, facts, reasons):
    """(items, owners) by grain. ``reasons`` holds the names for each row, in order of precedence."""
    groups = {}
    for row, fact, why in zip(rows, facts, reasons, strict=True):
        grain = ("license_then", "license_now", "direction", "upload_year", "media_type")
        verdict = ("excluded", why[0]) if why else ("kept", None)
        groups.setdefault((*(fact[name] for name in grain), *verdict), []).append(row)
    return {grain: (len(some), owners(some)) for grain, some in groups.items()}


def exclusions(rows, reasons):
    """(items, owners, items for which it is the first) by reason, in order of precedence."""
    table = []
    for reason in PRECEDENCE:
        some = [row for row, why in zip(rows, reasons, strict=True) if reason in why]
        if some:
            table.append((reason, len(some), owners(some), sum(why[:1] == [reason] for why in reasons)))
    return table


def compare(before, after, excluded):
    """(added, removed, changed, removed by first reason)."""
    old, new = ({pair(row): row for row in rows} for rows in (before, after))
    why = {pair(row): row["first_reason"] for row in excluded}
    gone = [item for item in old if item not in new]
    changed = sum(item in new and old[item] != new[item] for item in old)
    removed_for = Counter(why.get(item, "not_in_manifest") for item in gone)
    return len(new.keys() - old.keys()), len(gone), changed, dict(removed_for)
