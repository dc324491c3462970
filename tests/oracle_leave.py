"""What stands on a day, once more: a purpose, a day and an entry at a time, in plain Python.

An entry is a dict. Purposes are sets of names; nothing here knows of bits or of Arrow.
"""

from __future__ import annotations

from transforms.domain.purposes import BROADER, PEOPLE_SENSITIVE, PURPOSES


def narrower(purpose):
    """A purpose and all that are narrower: what a no to it speaks to."""
    return {purpose}.union(*(narrower(each) for each, broader in BROADER.items() if broader == purpose))


def broader(purpose):
    """A purpose and what a yes to it speaks to."""
    line, at = {purpose}, purpose
    while at in BROADER:
        at = BROADER[at]
        line |= {at} - set(PEOPLE_SENSITIVE)
    return line


def speaks_no(entry):
    return set().union(*map(narrower, entry["purposes"]))


def in_effect(entry, day):
    return entry["received_on"] <= day and entry["effective_on"] <= day


def ended(entry, day):
    return entry["expires_on"] is not None and entry["expires_on"] <= day


def target(entry):
    return entry["kind"], entry["source"], entry["key"]


# --- Opt-outs --------------------------------------------------------------------------------------------


def asker(entry):
    return *target(entry), entry["origin"], entry["requester"]


def stands(entry, purpose, entries, day):
    """Whether an opt-out stands for a purpose on a day."""
    return (
        entry["state"] == "active"
        and purpose in speaks_no(entry)
        and in_effect(entry, day)
        and not ended(entry, day)
        and not any(
            other["state"] == "withdrawn"
            and asker(other) == asker(entry)
            and purpose in speaks_no(other)
            and in_effect(other, day)
            and other["received_on"] > entry["received_on"]
            for other in entries
        )
    )


def owners_of(one, aliases):
    """All owners that a name, or a former id, is of."""
    found, todo = set(), [one]
    while todo:
        at = todo.pop()
        for alias in aliases:
            owner = ("owner", alias["source"], alias["owner_id"])
            if target(alias) == at and owner not in found:
                found.add(owner)
                todo.append(owner)
    return found


def opted_out(entries, aliases, day):
    """The purposes that each target is opted out of."""
    out = {}
    for entry in entries:
        for purpose in PURPOSES:
            if stands(entry, purpose, entries, day):
                for one in {target(entry)} | owners_of(target(entry), aliases):
                    out.setdefault(one, set()).add(purpose)
    return out


# --- Consents --------------------------------------------------------------------------------------------


def last(statements, purpose):
    """What a giver said last about a purpose, and what was said of it last of all."""
    about = [one for one in statements if purpose in one["purposes"]]
    worse = ("grant", "revoke", "refuse")
    never = max((one["expires_on"] for one in about if one["expires_on"]), default=None)
    rule = lambda one: (  # noqa: E731
        one["received_on"],
        worse.index(one["says"]),
        one["expires_on"] is not None,
        -(one["expires_on"] or never).toordinal() if never else 0,
    )
    return max(about, key=rule, default=None)


def granted(statements, purpose, day):
    """Whether one giver's grant of a purpose, by its name, stands."""
    one = last(statements, purpose)
    if one is None or one["says"] != "grant" or ended(one, day):
        return False
    return not any(
        other["says"] != "grant"
        and purpose in speaks_no(other)
        and other["received_on"] >= one["received_on"]
        for other in statements
    )


def word(statements, purpose, day):
    """The day of what one giver said last about a purpose, in whatever words, and whether that is leave."""
    spoke = [
        one
        for one in statements
        if purpose in (one["purposes"] if one["says"] == "grant" else speaks_no(one))
    ]
    if not spoke:
        return None
    return max(one["received_on"] for one in spoke), granted(statements, purpose, day)


def granted_by_owner(consents, targets, day):
    """What an owner grants of an item: all they said, of it or of all they have, is taken as said of it."""
    said = [
        one
        for one in consents
        if one["given_by"] == "owner" and target(one) in targets and in_effect(one, day)
    ]
    return set().union(*(broader(purpose) for purpose in PURPOSES if granted(said, purpose, day)))


def consented(consents, day):
    """By target: the owner's last words by purpose, what is granted by depicted persons, and refused."""
    said = {}
    for one in consents:
        if one["received_on"] <= day:
            who = said.setdefault(target(one), {}).setdefault((one["given_by"], one["person"]), [])
            who.extend([one] if in_effect(one, day) else [])
    out = {}
    for one, givers in said.items():
        by_owner, by_depicted, refused = {}, [], set()
        for (giver, _), statements in givers.items():
            yes = [broader(p) for p in PURPOSES if granted(statements, p, day)]
            no = [narrower(p) for p in PURPOSES if (last(statements, p) or {}).get("says") == "refuse"]
            refused = refused.union(*no)
            if giver == "owner":
                words = {purpose: word(statements, purpose, day) for purpose in PURPOSES}
                by_owner = {purpose: said for purpose, said in words.items() if said}
            else:
                by_depicted.append(set().union(*yes))
        out[one] = by_owner, set.intersection(*by_depicted) if by_depicted else set(), refused
    return out


def leave(opt_outs, consents, aliases, day):
    """By target: opted out of, said by the owner, granted by the depicted, refused; of which anything."""
    no, said = opted_out(opt_outs, aliases, day), consented(consents, day)
    table = {one: (no.get(one, set()), *said.get(one, ({}, set(), set()))) for one in {*no, *said}}
    return {one: sets for one, sets in table.items() if any(sets)}
