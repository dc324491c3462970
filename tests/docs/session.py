"""Runs command lines of `byleave` one after the other, as a script: JSON in, what each printed and its code out.

One process for all of them, so that a transcript pays for the import of Beam once.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from pipelines.cli import main


def run(words: list[str]) -> tuple[str, int]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main(words)
        except SystemExit as left:
            return printed.getvalue(), int(left.code or 0)
    raise AssertionError("a command line ends with an exit code")


if __name__ == "__main__":
    json.dump([run(words) for words in json.load(sys.stdin)], sys.stdout)
