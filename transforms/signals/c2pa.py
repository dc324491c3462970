"""The training and data mining assertion of C2PA manifests, in the JSON that c2patool prints.

CAWG Training and Data Mining Assertion 1.1 (label `cawg.training-mining`), and its older form of C2PA 1.4
(`c2pa.training-mining`). A use is `allowed`, `notAllowed` or `constrained`: permission that is "not
unconditionally granted". Without more information that is a no, says the specification; with it, it names
conditions that nothing here can hold a release to, so that it is a no as well, and they are its evidence.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from transforms.signals.documents import Unreadable, json_of, quoted
from transforms.signals.rules import Rule, Subject, silent, unreadable
from transforms.signals.vocabulary import TRAINING_MINING

MECHANISM = "c2pa"

LABELS = ("cawg.training-mining", "c2pa.training-mining")

_CONDITIONS = ("constraint_info", "constraints_info")  # the schema's spelling, and the text's


def read_c2pa(content: bytes | str, subject: Subject, observed_on: datetime.date) -> list[Rule]:
    """What the manifests of an item's file say.

    A no counts in any manifest: a tool that edits a picture makes a new one and need not repeat what the old
    one says. A yes counts in the active manifest alone, and only if nothing is wrong with the file.

    Args:
        content: JSON of a manifest store, of a manifest, or of the assertion.
        subject: the item, or the URL of its file.
        observed_on: the day.

    Returns:
        At least one rule.
    """
    try:
        found = json_of(content)
        if not isinstance(found, dict):
            raise Unreadable("not a manifest")
        manifests = _manifests(found)
    except Unreadable as error:
        return [unreadable(subject, MECHANISM, observed_on, str(error))]
    valid = not found.get("validation_status") and found.get("validation_state") != "Invalid"
    rules: list[Rule] = []
    for manifest, active in manifests:
        for label, data in _assertions(manifest):
            rules.extend(_rules(label, data, subject, observed_on, may_allow=valid and active))
    return rules or [silent(subject, MECHANISM, observed_on)]


def _manifests(found: dict[str, Any]) -> list[tuple[dict[str, Any], bool]]:
    """Each manifest, and whether it is the active one."""
    if "manifests" not in found:
        return [(found, True)]
    manifests = found["manifests"]
    if not isinstance(manifests, dict) or not all(isinstance(each, dict) for each in manifests.values()):
        raise Unreadable("no manifests in a manifest store")
    return [(manifest, name == found.get("active_manifest")) for name, manifest in manifests.items()]


def _assertions(manifest: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The assertions about training and mining: of one label there may be several, `label__1` and on."""
    if "entries" in manifest:
        yield "", manifest
    listed = manifest.get("assertions")
    stored = manifest.get("assertion_store")  # of the detailed report
    pairs = [
        (manifest.get("label"), manifest.get("data")),
        *((each.get("label"), each.get("data")) for each in _those(listed) if isinstance(each, dict)),
        *(stored.items() if isinstance(stored, dict) else ()),
    ]
    for label, data in pairs:
        if isinstance(label, str) and label.partition("__")[0] in LABELS:
            yield label, data


def _those(listed: Any) -> list[Any]:
    return listed if isinstance(listed, list) else []


def _rules(label: str, data: Any, subject: Subject, on: datetime.date, *, may_allow: bool) -> Iterator[Rule]:
    entries = data.get("entries") if isinstance(data, dict) else None
    if not isinstance(entries, dict):
        yield Rule(
            subject, MECHANISM, on, fact="malformed", vocabulary=label, evidence=f"no entries: {quoted(data)}"
        )
        return
    for key, entry in entries.items():
        prefix, _, use_of = key.partition(".")
        if prefix not in ("cawg", "c2pa") or use_of not in TRAINING_MINING:
            continue
        entry = entry if isinstance(entry, dict) else {}
        use = entry.get("use")
        conditions = [f"{name}: {quoted(entry[name])}" for name in _CONDITIONS if name in entry]
        purposes = TRAINING_MINING[use_of]
        yield Rule(
            subject,
            MECHANISM,
            on,
            no=purposes if use in ("notAllowed", "constrained") else 0,
            yes=purposes if use == "allowed" and may_allow else 0,
            fact="ok" if use in ("allowed", "notAllowed", "constrained") else "malformed",
            vocabulary=label or prefix,
            evidence="; ".join([f"{key}: {quoted(use)}", *conditions]),
        )
