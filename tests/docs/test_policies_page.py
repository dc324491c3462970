"""docs/policies.md names every key, purpose, permission and reason, and the policies that ship."""

from __future__ import annotations

import tomllib
from typing import Any

import pyarrow as pa
import pytest
from pages import ROOT, Row, blocks, code, read, table

from transforms.decide import decide, first_reason
from transforms.domain.errors import ConfigError
from transforms.domain.licenses import LICENSES, PERMISSIONS
from transforms.domain.policy import parse_policy
from transforms.domain.purposes import BROADER, PEOPLE_SENSITIVE, PURPOSES
from transforms.domain.reasons import BIT, PRECEDENCE
from transforms.domain.schemas import FACTS

PAGE = read("docs/policies.md")


def faults(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        parse_policy(text, "page.toml")
    return str(error.value)


def test_the_example_is_a_policy_with_every_key() -> None:
    (example,) = blocks(PAGE, "toml")
    parse_policy(example, "page.toml")
    tree = tomllib.loads(example)
    written = {f"{name}.{key}" for name, part in tree.items() if isinstance(part, dict) for key in part}
    assert {row["key"] for row in table(PAGE, "Keys")} == {"purpose"} | written


def test_every_key_without_a_default_is_named() -> None:
    missing = {line.split(" > ")[1].split(":")[0] for line in faults("").splitlines()}
    keys = {row["key"] for row in table(PAGE, "Keys")}
    people = {key for key in keys if key.startswith("people.")}
    optional = {"licenses.allow", "licenses.permit", "licenses.observers", *people}
    assert missing - {"licenses"} == keys - optional
    about_people = faults('purpose = "face-detection"')
    assert {key for key in people if key in about_people} == people


@pytest.mark.parametrize(
    "row", [row for row in table(PAGE, "Keys") if "`, `" in row["values"]], ids=lambda row: row["key"]
)
def test_a_key_takes_the_values_that_the_page_states(row: Row) -> None:
    (example,) = blocks(PAGE, "toml")
    table_name, key = row["key"].split(".")
    for value in code(row["values"]):
        tree: dict[str, Any] = tomllib.loads(example)
        tree[table_name][key] = [value] if row["values"].startswith("list") else value
        parse_policy(_toml(tree), "page.toml")
    tree[table_name][key] = ["another"] if row["values"].startswith("list") else "another"
    assert row["key"] in faults(_toml(tree))


def _toml(tree: dict[str, Any]) -> str:
    lines = [f"purpose = {tree['purpose']!r}"]
    for name in ("licenses", "visibility", "signals", "people"):
        lines += [f"[{name}]", *(f"{key} = {value!r}" for key, value in tree[name].items())]
    return "\n".join(lines)


def test_purposes_and_permissions() -> None:
    rows = table(PAGE, "Purposes")
    assert tuple(row["purpose"] for row in rows) == PURPOSES
    assert {row["purpose"]: row["broader"] for row in rows if row["broader"]} == BROADER
    assert tuple(row["purpose"] for row in rows if row["people-sensitive"]) == PEOPLE_SENSITIVE
    assert tuple(row["permission"] for row in table(PAGE, "Permissions")) == PERMISSIONS


def granted(license_id: str, unit: str) -> set[str]:
    """What a license grants, by the page's words."""
    elements = set(unit.split("-"))
    if unit in ("zero", "mark", "certification") or license_id == "us-government-work":
        return {"copying", "commercial_use", "derivatives"}
    if unit and elements <= {"by", "nc", "nd", "sa"}:
        without = {"commercial_use": "nc", "derivatives": "nd"}
        return {"copying"} | {name for name, element in without.items() if element not in elements}
    return {"copying"} if "sampling+" in elements else set()


def test_what_grants_a_permission() -> None:
    for one in LICENSES.values():
        found = {permission for permission in PERMISSIONS if getattr(one, permission)}
        assert found == granted(one.id, one.unit), one.id


def test_the_policies_that_ship_are_as_described() -> None:
    rows = {row["policy"]: row for row in table(PAGE, "The policies that ship")}
    files = {path.stem: path for path in (ROOT / "configs" / "policies").glob("*.toml")}
    assert rows.keys() == files.keys()
    for name, path in files.items():
        tree, row = tomllib.loads(path.read_text(encoding="utf-8")), rows[name]
        assert tree["purpose"] == row["purpose"]
        assert tree["licenses"]["permit"] == row["permit"].strip("`").split("`, `")
        assert "allow" not in tree["licenses"] or name == "metadata-index"
        assert tree["licenses"]["change"] == "newest"
        assert tree["licenses"]["unknown"] == row["unknown license"]
        assert {*tree["visibility"].values()} == {"exclude"}
        assert tree["signals"] == {"unreadable": "exclude", "unknown": "keep"}
        people = tree.get("people", {"present": "keep", "unknown": "keep"})
        assert {people["present"], people["unknown"]} == {row["people present or unknown"]}


def test_reasons_stand_in_their_order() -> None:
    assert tuple(row["reason"] for row in table(PAGE, "Reasons")) == PRECEDENCE


def test_what_is_withdrawn_is_not_allowed_and_counted_as_withdrawn() -> None:
    policy = parse_policy(read("configs/policies/research.toml"), "research.toml")
    row = {
        "license_then": "CC-BY-2.0",
        "license_now": "all-rights-reserved",
        "direction": "withdrawn",
        "visibility": "public",
        "people": "absent",
        "media_type": "photo",
    }
    nothing = {
        field.name: pa.scalar(0, pa.uint8()).cast(field.type).as_py()
        for field in FACTS
        if field.name not in row and not field.nullable
    }
    reasons = decide(pa.Table.from_pylist([{**nothing, **row}], schema=FACTS), policy)
    assert reasons.tolist() == [BIT["license_withdrawn"] | BIT["license_not_allowed"]]
    assert first_reason(reasons).to_pylist() == ["license_withdrawn"]
