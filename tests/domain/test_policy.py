"""Policies: what is stated is resolved, what is not stated is refused, and every fault is named."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.errors import ConfigError
from transforms.domain.licenses import (
    ALL_RIGHTS_RESERVED,
    LICENSES,
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    PERMISSIONS,
    US_GOVERNMENT_WORK,
)
from transforms.domain.policy import GRANTS, LICENSE_CHANGES, PEOPLE_VERDICTS, VERDICTS, Policy, parse_policy
from transforms.domain.purposes import PEOPLE_SENSITIVE, PURPOSES

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden"

WHOLE = {
    "purpose": "commercial",
    "licenses.allow": ["CC-BY-4.0"],
    "licenses.change": "newest",
    "licenses.unknown": "exclude",
    "visibility.private": "exclude",
    "visibility.deleted": "exclude",
    "visibility.missing": "exclude",
    "visibility.unknown": "exclude",
    "signals.unreadable": "exclude",
    "signals.unknown": "keep",
}
PEOPLE = {"people.present": "require-grant", "people.unknown": "exclude", "people.grant": "owner"}


def toml(settings):
    lines = {"": []}
    for path, value in settings.items():
        table, _, key = path.rpartition(".")
        lines.setdefault(table, [f"[{table}]"]).append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(line for table in lines.values() for line in table)


def read(**changes):
    settings = {**WHOLE, **{path.replace("__", "."): value for path, value in changes.items()}}
    return parse_policy(
        toml({path: value for path, value in settings.items() if value is not None}), "p.toml"
    )


def shipped(name):
    file = ROOT / "configs" / "policies" / f"{name}.toml"
    return parse_policy(file.read_text(), str(file.relative_to(ROOT)))


def test_the_research_policy_allows_all_that_may_be_copied():
    policy = shipped("research")
    assert policy.purpose == "research-noncommercial"
    assert {license_id for license_id in LICENSES if license_id.startswith("CC-BY")} < set(policy.allowed)
    assert {"CC0-1.0", "CC-PDM-1.0", US_GOVERNMENT_WORK} < set(policy.allowed)
    assert not {ALL_RIGHTS_RESERVED, NO_KNOWN_COPYRIGHT_RESTRICTIONS, "CC-DEVNATIONS-2.0"} & set(
        policy.allowed
    )


def test_the_commercial_policy_allows_neither_nc_nor_nd():
    policy = shipped("commercial")
    assert policy.purpose == "commercial"
    assert {"CC-BY-2.0", "CC-BY-SA-4.0", "CC0-1.0", "CC-PDM-1.0"} < set(policy.allowed)
    assert not [license_id for license_id in policy.allowed if {"NC", "ND"} & {*license_id.split("-")}]
    assert not [license_id for license_id in policy.allowed if "SAMPLING" in license_id]
    assert not {ALL_RIGHTS_RESERVED, NO_KNOWN_COPYRIGHT_RESTRICTIONS} & set(policy.allowed)
    assert set(policy.allowed) < set(shipped("research").allowed)


SHIPPED = sorted(path.stem for path in (ROOT / "configs" / "policies").glob("*.toml"))


@pytest.mark.parametrize("name", sorted({*SHIPPED} - {"metadata-index"}))
def test_the_shipped_policies_let_nothing_unknown_in(name):
    policy = shipped(name)
    assert policy.license_change == "newest"
    assert {policy.unknown_license, policy.private, policy.deleted, policy.unknown_visibility} == {"exclude"}
    assert {policy.missing, policy.unreadable_signal} == {"exclude"}


def test_an_index_of_what_exists_holds_nothing_that_is_hidden_or_gone():
    policy = shipped("metadata-index")
    assert {policy.private, policy.deleted, policy.missing, policy.unknown_visibility} == {"exclude"}
    assert set(policy.allowed) == set(LICENSES)
    assert policy.unknown_license == "keep"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_about_people_asks_them(name):
    policy = shipped(name)
    if policy.purpose in PEOPLE_SENSITIVE:
        assert (policy.people_present, policy.people_unknown) == ("require-grant", "require-grant")
        assert policy.grant == "depicted"
    if name not in ("research", "commercial"):
        assert policy.purpose == name


def test_generative_training_needs_a_word_of_leave_and_no_license_that_forbids_it():
    policy = shipped("generative-training")
    assert policy.unknown_signal == "keep"
    assert not [license_id for license_id in policy.allowed if {"NC", "ND"} & {*license_id.split("-")}]


@given(
    purpose=st.sampled_from(PURPOSES),
    people=st.none()
    | st.tuples(st.sampled_from(PEOPLE_VERDICTS), st.sampled_from(PEOPLE_VERDICTS), st.sampled_from(GRANTS)),
)
def test_what_becomes_of_people_must_be_said_where_the_purpose_is_about_them(purpose, people):
    if people is None and purpose in PEOPLE_SENSITIVE:
        with pytest.raises(ConfigError) as caught:
            read(purpose=purpose)
        keys = [line.split(" > ")[1].split(":")[0] for line in str(caught.value).splitlines()]
        assert keys == list(PEOPLE)
        return
    stated = dict(zip([path.replace(".", "__") for path in PEOPLE], people or [], strict=False))
    policy = read(purpose=purpose, **stated)
    found = policy.people_present, policy.people_unknown, policy.grant
    assert found == (people or ("keep", "keep", "depicted"))
    assert Policy.from_dict(json.loads(json.dumps(policy.as_dict()))) == policy


def oracle(allow, permit):
    return {
        license_id
        for license_id, terms in LICENSES.items()
        if license_id in allow or (permit and all(getattr(terms, name) for name in permit))
    }


@given(
    purpose=st.sampled_from([purpose for purpose in PURPOSES if purpose not in PEOPLE_SENSITIVE]),
    allow=st.none() | st.lists(st.sampled_from(sorted(LICENSES)), min_size=1, max_size=5),
    permit=st.none() | st.lists(st.sampled_from(PERMISSIONS), min_size=1),
    change=st.sampled_from(LICENSE_CHANGES),
    verdicts=st.tuples(*[st.sampled_from(VERDICTS)] * 7),
)
def test_a_policy_is_the_union_of_what_it_names(purpose, allow, permit, change, verdicts):
    if allow is None and permit is None:
        with pytest.raises(ConfigError, match="names no license"):
            read(licenses__allow=None)
        return
    unknown_license, private, deleted, missing, unknown, unreadable, unsaid = verdicts
    policy = read(
        purpose=purpose,
        licenses__allow=allow,
        licenses__permit=permit,
        licenses__change=change,
        licenses__unknown=unknown_license,
        visibility__private=private,
        visibility__deleted=deleted,
        visibility__missing=missing,
        visibility__unknown=unknown,
        signals__unreadable=unreadable,
        signals__unknown=unsaid,
    )
    assert list(policy.allowed) == sorted(oracle(allow or [], permit))
    assert (policy.purpose, policy.license_change) == (purpose, change)
    found = policy.unknown_license, policy.private, policy.deleted, policy.missing, policy.unknown_visibility
    assert (*found, policy.unreadable_signal, policy.unknown_signal) == verdicts


def test_the_digest_is_of_what_was_decided_and_not_of_how_it_was_written():
    written = read(licenses__allow=["CC-BY-4.0", "CC0-1.0"])
    again = parse_policy(
        "# a comment\n" + toml({**WHOLE, "licenses.allow": ["CC0-1.0", "CC-BY-4.0"]}), "other.toml"
    )
    assert written == again
    assert written.digest == again.digest
    resolved = (
        b'{"licenses":{"allowed":["CC-BY-4.0","CC0-1.0"],"change":"newest","observers":[],'
        b'"unknown":"exclude"},'
        b'"people":{"grant":"depicted","present":"keep","unknown":"keep"},"purpose":"commercial",'
        b'"signals":{"unknown":"keep","unreadable":"exclude"},'
        b'"visibility":{"deleted":"exclude","missing":"exclude","private":"exclude","unknown":"exclude"}}'
    )
    assert written.digest == hashlib.sha256(resolved).hexdigest()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("purpose", "search"),
        ("licenses.allow", ["CC-BY-3.0"]),
        ("licenses.change", "as_ingested"),
        ("licenses.unknown", "keep"),
        ("visibility.private", "keep"),
        ("visibility.deleted", "keep"),
        ("visibility.missing", "keep"),
        ("licenses.observers", ["flickr"]),
        ("visibility.unknown", "keep"),
        ("signals.unreadable", "keep"),
        ("signals.unknown", "exclude"),
        ("people.present", "keep"),
        ("people.unknown", "keep"),
        ("people.grant", "either"),
    ],
)
def test_every_decision_is_in_the_digest_and_in_the_json(path, value):
    whole = WHOLE | PEOPLE
    before, after = parse_policy(toml(whole), "p"), parse_policy(toml({**whole, path: value}), "p")
    assert before.digest != after.digest
    assert json.loads(json.dumps(before.as_dict())) != json.loads(json.dumps(after.as_dict()))


@pytest.mark.parametrize("path", sorted({*WHOLE, *PEOPLE}))
def test_nothing_has_a_default(path):
    whole = WHOLE | PEOPLE
    with pytest.raises(ConfigError) as caught:
        parse_policy(toml({key: value for key, value in whole.items() if key != path}), "p.toml")
    words = "licenses: names no license" if path == "licenses.allow" else f"{path}: is missing"
    assert str(caught.value).startswith(f"p.toml > {words}")


@pytest.mark.parametrize("path", ["licenses.allow", "licenses.permit", "licenses.observers"])
def test_an_empty_list_is_refused_as_it_would_mean_all_or_nothing(path):
    with pytest.raises(ConfigError, match="is an empty list"):
        parse_policy(toml({**WHOLE, path: []}), "p.toml")


@given(
    path=st.sampled_from(sorted(WHOLE | PEOPLE)),
    value=st.one_of(
        st.booleans(),
        st.integers(-9, 9),
        st.text(st.characters(exclude_categories=["C"]), max_size=5),
        st.lists(st.integers(), max_size=2),
    ),
)
def test_a_wrong_value_is_one_fault_and_never_a_traceback(path, value):
    with pytest.raises(ConfigError) as caught:
        parse_policy(toml({**WHOLE, **PEOPLE, path: value}), "p.toml")
    assert all(line.startswith(f"p.toml > {path}") for line in str(caught.value).splitlines())


def test_observers_are_trusted_in_the_order_in_which_they_are_named():
    for names in (["flickr-history", "flickr"], ["flickr", "flickr-history"]):
        policy = read(licenses__observers=names)
        assert policy.observers == tuple(names)
        assert Policy.from_dict(policy.as_dict()) == policy
    with pytest.raises(ConfigError, match="observers: 'a' is named twice$"):
        read(licenses__observers=["a", "b", "a"])
    with pytest.raises(ConfigError, match=r"observers\[1\]: '\.\./a' is no name of an observer"):
        read(licenses__observers=["a", "../a"])


def test_a_release_of_before_items_could_be_missing_left_them_out():
    policy = read()
    document = policy.as_dict()
    del document["visibility"]["missing"], document["licenses"]["observers"]
    del document["signals"], document["people"]
    assert Policy.from_dict(document) == policy


@given(st.text(max_size=40))
def test_any_text_is_a_policy_or_a_config_error(text):
    with pytest.raises(ConfigError, match=r"p\.toml"):
        parse_policy(text, "p.toml")


def test_a_table_that_is_none_is_a_fault():
    with pytest.raises(ConfigError, match=r"licenses: 3 is not a table"):
        parse_policy("licenses = 3\nvisibility = []", "p.toml")


def test_all_faults_are_reported_at_once_in_these_words():
    with pytest.raises(ConfigError) as caught:
        parse_policy((GOLDEN / "policy_faults.toml").read_text(), "configs/policies/research.toml")
    assert str(caught.value) + "\n" == (GOLDEN / "policy_faults.txt").read_text()
