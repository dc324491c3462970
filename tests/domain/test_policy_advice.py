"""Advice about policies: the strict ones that ship need none, and each laxness is named by its key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from transforms.domain.errors import ConfigError
from transforms.domain.policy_advice import advise

POLICIES = sorted((Path(__file__).parents[2] / "configs" / "policies").glob("*.toml"))
FACES = (POLICIES[0].parent / "face-detection.toml").read_text()


@pytest.mark.parametrize("file", POLICIES, ids=lambda file: file.stem)
def test_nothing_is_to_be_said_about_the_policies_that_ship(file: Path) -> None:
    assert advise(file.read_text(), file.name) == []


@pytest.mark.parametrize(
    ("stated", "instead", "advice"),
    [
        ('unknown = "exclude"\n\n[vis', 'unknown = "keep"\n\n[vis', "licenses.unknown: keeps items of which"),
        ('private = "exclude"', 'private = "keep"', "visibility.private: keeps items that their owners hid"),
        ('deleted = "exclude"', 'deleted = "keep"', "visibility.deleted: keeps items that their"),
        ('missing = "exclude"', 'missing = "keep"', "visibility.missing: keeps items that are no longer"),
        ('unknown = "exclude"\n\n[sig', 'unknown = "keep"\n\n[sig', "visibility.unknown: keeps items of"),
        ('unreadable = "exclude"', 'unreadable = "keep"', "signals.unreadable: keeps items of which a"),
        ('present = "require-grant"', 'present = "keep"', "people.present: keeps items for face-detection"),
        ('grant = "depicted"', 'grant = "either"', "people.grant: for face-detection the owner's word"),
        ('change = "newest"', 'change = "as_ingested"', "licenses.change: a license that was withdrawn"),
        ("[licenses]", '[licenses]\nallow = ["CC0-1.0"]', "licenses.allow: CC0-1.0 is allowed by licenses.p"),
        (
            "[licenses]",
            '[licenses]\nallow = ["all-rights-reserved"]',
            "licenses: all-rights-reserved grants no copying, for the purpose face-detection",
        ),
    ],
)
def test_each_laxness_is_named(stated: str, instead: str, advice: str) -> None:
    assert stated in FACES
    (found,) = advise(FACES.replace(stated, instead), "p.toml")
    assert found.startswith(advice)


def test_what_is_sold_needs_a_license_for_it() -> None:
    text = FACES.replace('"face-detection"', '"commercial"')
    (found,) = advise(text, "p.toml")
    assert "CC-BY-NC-" in found
    assert found.endswith(" more grant no commercial_use, for the purpose commercial")
    assert len(found) < 200
    (other,) = advise(text.replace('["copying", "derivatives"]', '["commercial_use"]'), "p.toml") or [""]
    assert other == ""


def test_present_is_looked_at_beside_unknown() -> None:
    text = FACES.replace('"face-detection"', '"computer-vision"').replace(
        'unknown = "require-grant"', 'unknown = "keep"'
    )
    assert advise(text, "p.toml") == [
        "people.unknown: keeps items in which people may be, while people.present does not"
    ]


def test_faults_are_errors_and_not_advice() -> None:
    with pytest.raises(ConfigError, match=r"p\.toml > people\.grant: is missing"):
        advise(FACES.replace('grant = "depicted"', ""), "p.toml")
    assert "people" in tomllib.loads(FACES)
