"""The rules once more, a row at a time, in plain Python: what the vectorized steps must agree with.

A row is a dict. Nothing here looks at Arrow, and nothing here needs to be fast.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections import Counter

import oracle_leave

from transforms.domain import license_changes, purposes
from transforms.domain.licenses import LICENSES
from transforms.domain.reasons import OPT_OUTS, PRECEDENCE

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


def plain_host(url):
    host = re.match("((https?:)?//)*([^/?#]*@)?([^/?#]*)", url, re.IGNORECASE)[4]
    host = re.sub(":[0-9]*$", "", host).lower().removesuffix(".")
    return host if re.fullmatch("[a-z0-9_-]+([.][a-z0-9_-]+)*", host) else None


def ascii_lower(text):
    return re.sub("[A-Z]+", lambda letters: letters[0].lower(), text)


def plain_name(name):
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def alias_of(url):
    found = re.match(
        "((https?:)?//)*(www[.])?flickr[.]com/photos/([A-Za-z0-9_-]+)(?:/|$)", url, re.IGNORECASE
    )
    return found[4].lower() if found else None


def called(row):
    """What the row's owner is called in it: (kind, source, key)."""
    owner, page, name = row["owner_id"], row["page_url"], row["owner_name"]
    aliases = {alias_of(page)} if page else set()
    if owner is not None and not re.fullmatch("[0-9]{1,19}(@|%40)[Nn][0-9]{2}", owner):
        aliases.add(ascii_lower(owner))
    names = {plain_name(name)} if name else set()
    called = {("alias", key) for key in aliases} | {("name", key) for key in names}
    return {(kind, row["source"], key) for kind, key in called if key}


def shown(row):
    """By kind the targets of Flickr's that a row of another platform shows in its addresses."""
    if row["source"] == "flickr":
        return {"item": set(), "owner": set()}
    pages, links = ([row[name] for name in names if row[name]] for names in (_PAGES, _LINKS))
    below = [re.match(_BELOW_OWNER, page, re.IGNORECASE) for page in pages]
    owners = [found[4].upper().replace("%40", "@") for found in below if found]
    return {
        "item": {("item", "flickr", photo) for photo in map(photo_of, links) if photo},
        "owner": {("owner", "flickr", owner) for owner in owners}
        | {("alias", "flickr", alias) for alias in map(alias_of, pages) if alias},
    }


_PAGES, _LINKS = ("page_url", "owner_id"), ("page_url", "image_url")
_BELOW_OWNER = "((https?:)?//)*(?:www[.])?flickr[.]com/(photos|people)/([0-9]+(?:@|%40)N[0-9]{2})(?:/|$)"


_PHOTO = (
    r"(?:www\.|m\.)?flickr\.com/photos/[^/]+/([1-9][0-9]*)(?:[/?]|$)",
    r"(?:www\.|m\.)?flickr\.com/photo\.gne\?id=([1-9][0-9]*)$",
    r"(?:live\.static|farm[0-9]+\.static\.)flickr\.com/[0-9]+/([1-9][0-9]*)_[0-9a-z]+[_.]",
)
_DIGITS = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


def photo_of(url):
    """The photo that an address is of."""
    plain = plain_url(url)
    found = [each[1] for pattern in _PHOTO if (each := re.match(pattern, plain))]
    short = re.match(rf"flic\.kr/p/([{_DIGITS}]+)$", plain)
    number = (
        sum(58**place * _DIGITS.index(digit) for place, digit in enumerate(short[1][::-1])) if short else 0
    )
    return found[0] if found else str(number) if number else None


def named(row, rows):
    """By kind the targets that mean the row, among ``rows``, of whom some may be of the same owner."""
    urls = [url for url in (row["page_url"], row["image_url"]) if url]
    hosts = [host.split(".") for host in map(plain_host, urls) if host]
    hashes = {name: row[f"content_{name}"] for name in ("md5", "sha256")}
    owner = row["source"], row["owner_id"]
    same = [each for each in rows if (each["source"], each["owner_id"]) == owner and owner[1] is not None]
    return {
        "item": {("item", *pair(row))},
        "owner": {("owner", *owner)}.union(*map(called, [row, *same])),
        "url": {("url", None, plain_url(url)) for url in (*urls, row["owner_id"]) if url},
        "host": {("host", None, ".".join(host[at:])) for host in hosts for at in range(len(host))},
        "content": {("content", None, f"{name}:{value}") for name, value in hashes.items() if value},
        "tag": {("tag", None, plain_tag(tag)) for tag in all_tags(row)},
    }


NO_CV = sum(
    purposes.BIT[each] for each in purposes.PURPOSES if "computer-vision" in purposes.broader_or_same(each)
)


def leave_one(row, leave, rows):
    """The sets of purposes, as bits, that leave and the row's own tags come to."""
    means = named(row, rows)
    sets = dict.fromkeys([f"no_{kind}" for kind in means], 0)
    sets |= {"granted_by_owner": 0, "granted_by_depicted": 0, "refused": 0}
    words = []
    for said in leave:
        for kind, targets in means.items():
            if (said["kind"], said["source"], said["key"]) in targets:
                sets[f"no_{kind}"] |= said["no"]
                for name in ("granted_by_depicted", "refused"):
                    sets[name] |= said[name]
                words += [said["owner_said"]] if said["owner_said"] else []
    for purpose, said in zip(purposes.PURPOSES, zip(*words, strict=True), strict=False):
        if max(said) % 2 == 0:  # the later word, of one day the worse, is leave
            sets["granted_by_owner"] |= purposes.bits_of(oracle_leave.broader(purpose))
    for said in leave:  # a yes does not travel
        for kind, targets in shown(row).items():
            if (said["kind"], said["source"], said["key"]) in targets:
                sets[f"no_{kind}"] |= said["no"]
    if ("tag", None, "nocv") in means["tag"]:
        sets["no_tag"] |= NO_CV
    return sets


def people_one(row, detections):
    """Whether people are in the item: as it was seen last, else as the manifest says."""
    seen = [each for each in detections if pair(each) == pair(row)]
    last = max((each["observed_on"], each["person_present"]) for each in seen) if seen else None
    present = last[1] if last else row["person_present"]
    return {True: "present", False: "absent", None: "unknown"}[present]


NO_SIGNAL = {"no": 0, "yes": 0, "unreadable": False, "stale": False}


def facts_one(row, looks, leave, rows=(), signaled=None, detections=()):
    believed = min((look for look in looks if pair(look) == pair(row)), key=belief, default=None)
    now = believed["license"] if believed else row["license"]
    signaled = signaled or NO_SIGNAL
    return {
        "license_then": row["license"],
        "license_now": now,
        "direction": license_changes.compare(row["license"], now),
        "visibility": believed["visibility"] if believed else "unknown",
        "observed": believed is not None,
        **leave_one(row, leave, rows),
        **{f"signal_{name}": signaled[name] for name in NO_SIGNAL},
        "people": people_one(row, detections),
        "owner": None if row["owner_id"] is None else home(row),
        "upload_year": row["uploaded_at"].year if row["uploaded_at"] else None,
        "media_type": row["media_type"],
    }


def decide_one(fact, policy):
    """Every reason to leave the item out, in order of precedence."""
    newest = policy.license_change == "newest"
    license_id = fact["license_now"] if newest else fact["license_then"]
    refused = license_id != "unknown" and license_id not in policy.allowed
    bit = purposes.BIT[policy.purpose]
    says_no, says_yes = fact["signal_no"] & bit, fact["signal_yes"] & bit
    givers = ["owner", "depicted"] if policy.grant == "either" else [policy.grant]
    granted = any(fact[f"granted_by_{giver}"] & bit for giver in givers)
    people = {"present": policy.people_present, "unknown": policy.people_unknown}.get(fact["people"])
    unknown = not says_no and not says_yes and not fact["signal_unreadable"]
    holds = {
        **{f"opt_out_{kind}": fact[f"no_{kind}"] & bit for kind in OPT_OUTS},
        "consent_refused": fact["refused"] & bit,
        "signal_no": says_no,
        "signal_unreadable": fact["signal_unreadable"] and policy.unreadable_signal == "exclude",
        "signal_unknown": unknown and policy.unknown_signal == "exclude",
        "people_present": fact["people"] == "present" and people == "exclude",
        "people_unknown": fact["people"] == "unknown" and people == "exclude",
        "consent_missing": people == "require-grant" and not granted,
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
