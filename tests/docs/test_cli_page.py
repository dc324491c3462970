"""docs/cli.md is the help of every command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click
from click.testing import CliRunner
from pages import ROOT

from pipelines.cli import cli

_HEAD = """# Commands

The help of every command, written by `make docs`. Options for Beam go behind `--`.
"""


def paths(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command, those of a group before its commands."""
    yield path
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from paths(each, (*path, name))


def help_of(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="byleave", terminal_width=100)
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def test_the_page_is_the_help_of_every_command(hold: Callable[[Path, str], None]) -> None:
    sections = [f"## {' '.join(('byleave', *path))}\n\n```text\n{help_of(path)}\n```" for path in paths(cli)]
    hold(ROOT / "docs" / "cli.md", "\n\n".join([_HEAD.rstrip(), *sections]) + "\n")


def test_every_command_has_an_example() -> None:
    for path in paths(cli):
        command: click.Command = cli
        for name in path:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        if not isinstance(command, click.Group):
            example = help_of(path).split("Example:\n", 1)[1].strip()
            assert example.startswith(" ".join(("byleave", *path))), path
