"""Types command lines, as a script: a JSON list of them in; what each printed, and its exit code, out.

One process for all of them, so that a transcript pays for the import of Beam once.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import shlex
import sys
from pathlib import Path

from pipelines.cli import main
from pipelines.commands import options

PROMPT = "$ byleave "


def arguments(command: str, folder: Path) -> list[str]:
    """The words that a shell in ``folder`` would hand to byleave."""
    words = shlex.split(command.removeprefix(PROMPT).replace("\\\n", " "), posix=False)
    return [word for each in words for word in _expanded(each, folder)]


def _expanded(word: str, folder: Path) -> list[str]:
    if "*" in word and not word.startswith(("'", '"')):
        return [str(path.relative_to(folder)) for path in sorted(folder.glob(word))]
    return shlex.split(word)


def run(words: list[str]) -> tuple[str, int]:
    """What a command line prints, on either stream, and its exit code."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main(words)
        except SystemExit as left:
            return printed.getvalue(), int(left.code or 0)
    raise AssertionError("a command line ends with an exit code")


if __name__ == "__main__":
    options.tomorrow = lambda: datetime.date.max  # what the pages type is of their day
    json.dump([run(arguments(command, Path.cwd())) for command in json.load(sys.stdin)], sys.stdout)
