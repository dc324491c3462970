"""``byleave explain``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipelines.commands.options import columns, json_option, show, store_argument
from pipelines.plurals import counted

if TYPE_CHECKING:
    import datetime

    from pipelines.explain.explainer import Explainer, Explanation

_MOST_ITEMS = 20
_MOST_ASKED_ABOUT = 1_000
"""Of an owner's items so many are looked up in opt-out lists."""
_PRIVATE = ("requester",)


@click.command()
@store_argument
@click.argument("target")
@click.option("--release", "version", default=None, metavar="VERSION", help="[default: the newest]")
@click.option("--source", default=None, help="Platform of an id. [default: the dataset's]")
@json_option
def explain(store: str, target: str, version: str | None, source: str | None, as_json: bool) -> int:
    """Say why a release holds an item or not: TARGET is an item, its URL, or an owner.

    Every fact with its value, its source and its day; the rules that leave the item out; what the release's
    policy would say for each purpose; and the first and last release that holds the item. All of it is worked
    out from what was taken in, and held against what the release decided: exit code 8 if they differ.

    \b
    Example:
      byleave explain yfcc.store 6985418911
      byleave explain yfcc.store https://www.flickr.com/photos/12345678@N00/6985418911 --release 2026.11.0
    """
    from pipelines.explain.explainer import Explainer, held_by
    from pipelines.explain.lookup import look_up
    from pipelines.store.store import open_store
    from transforms.domain.errors import IntegrityError

    opened = open_store(store)
    explainer = Explainer(opened, opened.releases.get(version))
    items, owners = look_up(opened, explainer, target, source or opened.dataset.source)
    theirs = [_of_owner(explainer, *owner) for owner in owners]
    wanted = [*items, *(item for owner in theirs for item in owner["items"])]
    found = list(explainer.explain(wanted[:_MOST_ITEMS]))
    held = held_by(opened, [each.item for each in found])
    content = explainer.release.content
    result = {
        "release": explainer.release.version,
        "purpose": content["purpose"],
        "as_of": content["as_of"],
        "owners": [{**each, "items": len(each["items"])} for each in theirs],
        "items_found": len(wanted),
        "items": [_as_dict(each, held[each.item], explainer.on) for each in found],
    }
    head = f"release {explainer.release.version}: {content['purpose']}, as of {content['as_of'] or '-'}"
    lines = [head, *(line for each in result["owners"] for line in _owner_lines(each))]
    if theirs:  # one line for each item: asked for alone, it tells the rest
        lines += ["  items", *(_short(each) for each in result["items"])]
    else:
        lines += [line for each in result["items"] for line in _lines(each)]
    if len(wanted) > len(found):
        lines.append(f"    and {len(wanted) - len(found):,} more")
    show(result, "\n".join(lines), as_json=as_json)
    return 0 if all(each.agrees for each in found) else IntegrityError.exit_code


def _of_owner(explainer: Explainer, source: str, owner: str) -> dict[str, Any]:
    items, first = explainer.of_owner(source, owner)
    asked = explainer.requests_about(items[:_MOST_ASKED_ABOUT])
    requests = [_plain(request) for request in asked]
    return {"source": source, "owner_id": owner, "items": items, "first_reason": first, "requests": requests}


def _as_dict(each: Explanation, held: Sequence[str], on: datetime.date) -> dict[str, Any]:
    from transforms.domain.purposes import names_of
    from transforms.explain import stands

    found, evidence = each.found, each.evidence
    sets = ("granted_by_owner", "granted_by_depicted", "refused", "signal_no", "signal_yes")
    facts = {**vars(found), "no": {kind: names_of(bits) for kind, bits in found.no.items() if bits}}
    return {
        "source": each.item[0],
        "item_id": each.item[1],
        "verdict": "left out" if each.reasons else "kept",
        "reasons": each.reasons,
        "decided": each.decided,
        "agrees": each.agrees,
        "first_held_by": held[0] if held else None,
        "last_held_by": held[-1] if held else None,
        "facts": {**facts, **{name: names_of(facts[name]) for name in sets}},
        "manifest": _plain(evidence.item),
        "looks": [_plain(look) for look in sorted(evidence.looks, key=lambda look: look["valid"])],
        "requests": [
            {**_plain(request), "stands_for": names_of(stands(request, evidence.requests, on))}
            for request in evidence.requests
        ],
        "consents": [
            _plain(said) for said in sorted(evidence.consents, key=lambda said: said["received_on"])
        ],
        "signals": [_plain(rule) for rule in evidence.signals],
        "detections": [_plain(seen) for seen in evidence.detections],
        "tag_that_says_no": evidence.says_no,
        "purposes": dict(each.verdicts),
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON holds it, without what is not said and who asked."""
    from transforms.domain.purposes import ALL, names_of

    plain: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or name in _PRIVATE:
            continue
        if name in ("purposes", "no", "yes"):
            value = ["all"] if value == ALL else names_of(value)
        plain[name] = value if isinstance(value, (str, int, float, list)) else str(value)
    return plain


def _owner_lines(owner: Mapping[str, Any]) -> Iterator[str]:
    items = counted(owner["items"], "item")
    yield f"owner {owner['owner_id']} of {owner['source']}: {items}, by first reason"
    yield columns(owner["first_reason"])
    yield from _part("opt-outs", [_request(each) for each in owner["requests"]])


def _lines(item: Mapping[str, Any]) -> Iterator[str]:
    facts, row = item["facts"], item["manifest"]
    owner = f", of {row['owner_id']}" if "owner_id" in row else ""
    yield f"item {item['item_id']} of {item['source']}{owner}: {item['verdict']}"
    if item["reasons"]:
        yield f"  reasons     {', '.join(item['reasons'])}"
    if not item["agrees"]:
        decided = "nothing" if item["decided"] is None else ", ".join(item["decided"]) or "that it is kept"
        yield f"  THE RELEASE DECIDED OTHERWISE: it states {decided}"
    held = f"first {item['first_held_by']}, last {item['last_held_by']}"
    yield f"  held by     {held if item['first_held_by'] else 'no release'}"
    then, now = facts["license_then"], facts["license_now"]
    yield f"  license     {then} in the manifest, {now} now: {facts['direction']}"
    yield f"  visibility  {facts['visibility']}"
    for look in item["looks"]:
        by = f"by {look['observer']}, snapshot {look['list']}"
        yield f"    {look['valid']}  {look['license']}, {look['visibility']}  {by}"
    yield f"  people      {facts['people']}"
    for seen in item["detections"]:
        said = "present" if seen["person_present"] else "absent"
        by = f"by {seen.get('detector', 'somebody')}, snapshot {seen['list']}"
        yield f"    {seen['observed_on']}  {said}  {by}"
    yield from _part("opt-outs", [_request(each) for each in item["requests"]])
    if item["tag_that_says_no"]:
        yield f"    the tag {item['tag_that_says_no']!r} says no by itself"
    yield from _part("consents", [_consent(each) for each in item["consents"]])
    yield from _part("signals", [_signal(each) for each in item["signals"]])
    yield "  purposes"
    for purpose, reasons in item["purposes"].items():
        yield f"    {purpose:<24}  {', '.join(reasons) or 'kept'}"


def _short(item: Mapping[str, Any]) -> str:
    agrees = "" if item["agrees"] else "  THE RELEASE DECIDED OTHERWISE"
    return f"    {item['item_id']}  {', '.join(item['reasons']) or 'kept'}{agrees}"


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"  {title:<10}  {'' if lines else 'none'}".rstrip()
    yield from (f"    {line}" for line in lines)


def _request(each: Mapping[str, Any]) -> str:
    until = f" until {each['expires_on']}" if "expires_on" in each else ""
    why = f" ({each['held_for']})" if "held_for" in each else ""
    if each["state"] == "active" and not each.get("stands_for", True):
        why = " but stands for nothing on this day"
    return (
        f"{each['received_on']}  {each['state']}{why}  {each['kind']} {each['key']}"
        f"  for {_some(each['purposes'])}, from {each['effective_on']}{until}"
        f", request {each['request']}, list {each['list']}"
    )


def _consent(each: Mapping[str, Any]) -> str:
    until = f" until {each['expires_on']}" if "expires_on" in each else ""
    return (
        f"{each['received_on']}  {each['says']} by {each['given_by']}  {each['kind']} {each['key']}"
        f"  for {_some(each['purposes'])}, from {each['effective_on']}{until}, list {each['list']}"
    )


def _signal(each: Mapping[str, Any]) -> str:
    said = " and ".join(f"{way} to {_some(each[way])}" for way in ("no", "yes") if each.get(way))
    stale = ", of before it could not be read" if each["stale"] else ""
    whose = each.get("authority", each["key"]) if each["kind"] == "host" else each["key"]
    return f"{each['observed_on']}  {each['mechanism']} of {whose}: {said or each['fact']}{stale}"


def _some(purposes: Sequence[str]) -> str:
    return ", ".join(purposes) if purposes != ["all"] else "all purposes"
