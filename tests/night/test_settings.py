"""The nightly configuration: the example is one, and every fault is told at once with its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.night.ingests import INGESTS
from pipelines.night.settings import Inbox, parse_settings, read_settings
from pipelines.store.tables import LICENSES, OPT_OUTS
from transforms.domain.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "configs" / "nightly.toml"
FAULTS = """
stroe = "x"
lease_minutes = 0
settle_seconds = "long"
[inbox.opt-outs]
folder = "in"
missing = "stpo"
max_age_days = -1
allow_empty = "no"
[inbox.licenses]
folder = "in"
format = "canonicle"
[inbox.manifest]
folder = "m"
[inbox.manifests]
format = 7
max_quarantined_share = 2
[[release]]
name = "../a"
policy = "reserch"
[[release]]
name = "b"
polcy = "research"
[[release]]
name = "b"
policy = "bad.toml"
[lineage]
file = "gs://bucket/events.jsonl"
"""


def test_the_example_states_every_key() -> None:
    settings = read_settings(EXAMPLE)
    assert settings.store == str(ROOT / "yfcc.store")
    assert [inbox.kind for inbox in settings.inboxes] == [*INGESTS]
    assert [edition.name for edition in settings.editions] == ["research", "commercial"]
    # What stands behind a # is what holds without it.
    text = EXAMPLE.read_text().replace("\n# [", "\n[")
    for key in ("lease_minutes", "settle_seconds", "missing", "allow_empty", "max_quarantined_share", "full"):
        text = text.replace(f"\n# {key} = ", f"\n{key} = ")
    for key in ("file", "namespace"):
        text = text.replace(f"\n# {key} = ", f"\n{key} = ")
    text = text.replace("\n# agent = ", "\nagent = ")
    stated = parse_settings(text, "all", EXAMPLE.parent)
    assert dataclasses.replace(stated, lineage=None) == settings
    assert stated.lineage == ROOT / "lineage.jsonl"


def test_every_fault_is_told_at_once(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    (tmp_path / "bad.toml").write_text('purpose = "research"\n')
    with pytest.raises(ConfigError) as faults:
        parse_settings(FAULTS, "nightly.toml", tmp_path)
    golden("nightly_faults.txt", str(faults.value).replace(str(tmp_path), "FOLDER") + "\n")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("store = ", "is not TOML"),
        ('store = "s"', "says nothing to do"),
        ('store = "s"\nlease_minutes = inf', "lease_minutes: inf is not a number"),
        ('store = "s"\nrelease = 1', "release: is not a list of tables"),
        ('store = "s"\ninbox = 1', "inbox: 1 is not a table"),
        ('store = "s"\n[inbox.opt-outs]\n', "inbox.opt-outs.folder: is missing"),
    ],
)
def test_a_fault(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^n.toml.*{fault}"):
        parse_settings(text, "n.toml", tmp_path)


def test_paths_are_relative_to_the_files_folder_and_urls_are_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text((ROOT / "configs" / "policies" / "research.toml").read_text())
    text = (
        'store = "gs://b/s"\n[inbox.opt-outs]\nfolder = "gs://b/in"\n[inbox.licenses]\nfolder = "/in"\n'
        'format = "csv"\n[[release]]\nname = "a"\npolicy = "own.toml"\n'
    )
    file = tmp_path / "n.toml"
    file.write_text(text)
    settings = read_settings(file)
    assert settings.store == "gs://b/s"
    assert settings.inboxes == (
        Inbox(OPT_OUTS, "gs://b/in", stop=True),
        Inbox(LICENSES, "/in", "licenses-csv"),
    )
    assert settings.editions[0].policy.purpose == "research-noncommercial"


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_settings(tmp_path / "n.toml")
    (tmp_path / "n.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read as UTF-8"):
        read_settings(tmp_path / "n.toml")
