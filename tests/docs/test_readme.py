"""The transcript in README.md is what happens when its commands are typed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import session
from pages import README, ROOT, blocks
from session import PROMPT, arguments

# Digests and sizes depend on the version of Arrow that wrote the blobs, and columns on the width of digests.
MASKED = (
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"(?<=\d{4}-\d\d-\d\d-)[0-9a-f]{8}\b", "<digest>"),
    (r"(?<=\s)[0-9a-f]{12}\b", "<digest>"),
    (r"[\d,]+ bytes", "<bytes>"),
)


def masked(text: str) -> str:
    for pattern, instead in MASKED:
        text = re.sub(pattern, instead, text)
    return text


def commands(block: str) -> list[str]:
    """The lines that a user types: a `$` line, with those that a backslash joins to it."""
    return [m[0] for m in re.finditer(r"(?m)^\$ (?:.*\\\n)*.*$", block)]


@pytest.fixture
def rewritten(tmp_path: Path) -> str:
    """README.md with what its commands print now, if that differs in more than digests and sizes.

    All of it comes from one run then: a digest that is printed twice is one digest.
    """
    text = README.read_text(encoding="utf-8")
    typed = [command for block in blocks(text, "console") for command in commands(block)]
    assert typed
    assert all(command.startswith(PROMPT) for command in typed)
    printed = iter(_printed(typed, tmp_path))

    def fresh(block: re.Match[str]) -> str:
        lines = "".join(f"{command}\n{next(printed)}" for command in commands(block[1]))
        return f"```console\n{lines}```"

    made = re.sub(r"(?ms)^```console\n(.*?)^```$", fresh, text)
    return text if masked(made) == masked(text) else made


def _printed(typed: list[str], folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, session.__file__],
        cwd=folder,
        env={**os.environ, "COLUMNS": "110", "PYTHONPATH": str(ROOT)},
        input=json.dumps(typed),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    printed = json.loads(done.stdout)
    for command, (out, code) in zip(typed, printed, strict=True):
        # A command that fails says so in a message that begins with its name, and in its exit code.
        assert (code != 0) == out.startswith("byleave: "), f"{command}\n{out}\nexit code {code}"
    return [out.replace(str(folder), "~") for out, _ in printed]


def test_the_transcript_is_what_happens(rewritten: str, hold: Callable[[Path, str], None]) -> None:
    hold(README, rewritten)


def test_only_digests_and_sizes_are_masked() -> None:
    assert masked(f"sha256:{'ab' * 32}, 1,234 bytes") == "sha256:<digest>, <bytes>"
    assert masked("2025-06-10-6e3684b3") == "2025-06-10-<digest>"
    assert masked("kept 1,152 of 1,994 items, 123456789012 rows, deleted 7").startswith("kept 1,152 of 1,994")


def test_a_command_may_go_on_over_lines() -> None:
    block = "$ byleave a \\\n    --b c\nout\n$ byleave d\n"
    assert commands(block) == ["$ byleave a \\\n    --b c", "$ byleave d"]
    assert arguments(commands(block)[0], Path()) == ["a", "--b", "c"]


def test_words_are_a_shells(tmp_path: Path) -> None:
    for name in ("b.tsv", "a.tsv", "a.csv"):
        (tmp_path / name).touch()
    assert arguments('$ byleave x *.tsv "count(*)"', tmp_path) == ["x", "a.tsv", "b.tsv", "count(*)"]
