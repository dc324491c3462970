"""The transcript in README.md is what happens when its commands are typed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import README, ROOT, blocks

PROMPT = "$ byleave "

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


def arguments(command: str, folder: Path) -> list[str]:
    """The words that a shell in ``folder`` would hand to byleave."""
    words = shlex.split(command.removeprefix(PROMPT).replace("\\\n", " "), posix=False)
    return [word for each in words for word in _expanded(each, folder)]


def _expanded(word: str, folder: Path) -> list[str]:
    if "*" in word and not word.startswith(("'", '"')):
        return [str(path.relative_to(folder)) for path in sorted(folder.glob(word))]
    return shlex.split(word)


@pytest.fixture(scope="session")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> str:
    """README.md with what its commands print now, where it differs in more than digests and sizes."""
    folder = tmp_path_factory.mktemp("readme")
    text = README.read_text(encoding="utf-8")
    typed = [command for block in blocks(text, "console") for command in commands(block)]
    assert typed
    assert all(command.startswith(PROMPT) for command in typed)
    printed = iter(_printed(typed, folder))

    def fresh(block: re.Match[str]) -> str:
        lines = "".join(f"{command}\n{next(printed)}" for command in commands(block[1]))
        return block[0] if masked(lines) == masked(block[1]) else f"```console\n{lines}```"

    return re.sub(r"(?ms)^```console\n(.*?)^```$", fresh, text)


def _printed(typed: list[str], folder: Path) -> list[str]:
    # Globs are expanded one command at a time, since a command makes the files that the next one names.
    done: list[str] = []
    batches: list[list[str]] = [[]]
    for command in typed:
        if "*" in command:
            batches.append([])
        batches[-1].append(command)
    for batch in batches:
        for command, (out, code) in zip(batch, _session(batch, folder), strict=True):
            # A command that fails says so in one line that begins with its name, and in its exit code.
            assert (code != 0) == out.startswith("byleave: "), f"{command}\n{out}\nexit code {code}"
            done.append(out.replace(str(folder), "~"))
    return done


def _session(batch: list[str], folder: Path) -> list[tuple[str, int]]:
    words = [arguments(command, folder) for command in batch]
    environment = {**os.environ, "COLUMNS": "110", "PYTHONPATH": str(ROOT)}
    session = Path(__file__).with_name("session.py")
    done = subprocess.run(
        [sys.executable, str(session)],
        cwd=folder,
        env=environment,
        input=json.dumps(words),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


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
