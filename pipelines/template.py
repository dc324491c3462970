"""A command as a Dataflow flex template: a launcher draws the graph, Dataflow's workers do all of it.

A launcher must not wait for its job: it plans, writes the graph where Dataflow told it to, and is gone. So
the graph has a last step: when all actions are done, a worker runs the same command once more. It finds every
result remembered, holds the gate, and commits, as a second run of any command does.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam
import click

from pipelines import beam, cli, dataflow
from pipelines.actions import Done
from pipelines.jobs import Job, Replay
from pipelines.runner import Runner, check_options
from pipelines.store.store import Store
from pipelines.submission import parse
from transforms.domain.errors import ByleaveError, ConfigError, decode, encode

COMMANDS = ("ingest manifest", "ingest licenses", "ingest detections", "ingest opt-outs", "release cut")
"""What can be launched: `byleave` and one of these."""

# Options that say how a process at a terminal runs and prints; and the key to who asked, which stays there.
_NOT_PARAMETERS = {"workers", "as_json", "dry_run", "requester_key"}


class Drawn(Exception):  # it ends the launcher's command, and is no error
    """The graph is written."""


@dataclass(frozen=True)
class Launcher(Runner):
    """Draws the graph of the first job that a command runs, and ends the command there.

    Attributes:
        words: the command, as a worker is to run it when the job is done.
    """

    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_options(self.beam_options, template=True)

    def run(self, store: Store, job: Job) -> list[list[Done]]:
        """See above; nothing comes back."""
        self.check_store(store.url)
        replay = Replay(store, job)
        replay.advance()
        self.draw(job.name, lambda pipeline: beam.build(pipeline, store.url, job, replay.stage_reached, ""))
        raise Drawn

    def draw(self, name: str, build: Callable[[apache_beam.Pipeline], apache_beam.PCollection]) -> None:
        """Hand over the graph that ``build`` draws, and the command's end behind it."""
        pipeline = apache_beam.Pipeline(options=parse(dataflow.filled(self.options(), name)))
        build(pipeline) | "Conclude" >> apache_beam.ParDo(ConcludeCommand(self.words))
        try:
            # On Dataflow the graph was only written, and this comes back at once.
            pipeline.run().wait_until_finish()
        except Exception as error:
            raise decode(str(error)) or error from None


@dataclass(frozen=True)
class Remembered(Runner):
    """Runs nothing: every result has to be remembered."""

    def _submit(self, store: Store, job: Job, replay: Replay) -> None:
        pass


@apache_beam.typehints.with_output_types(bytes)
class ConcludeCommand(apache_beam.DoFn):
    """Runs a command whose actions are done, on a worker. Twice does no harm, as with any command."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)

    def process(self, _: object) -> Iterator[bytes]:
        """What the command had to say."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli.run(self._words, {"runner": Remembered()})
        logging.info("byleave %s: exit code %d\n%s", " ".join(self._words), code, said.getvalue())
        if code:
            raise RuntimeError(encode(ByleaveError(said.getvalue().strip().removeprefix("byleave: "))))
        yield said.getvalue().encode()


def parameters(command: str) -> dict[str, click.Parameter]:
    """What ``command`` can be told at its launch: its arguments and options, by name."""
    found: click.Command = cli.cli
    for word in command.split():
        assert isinstance(found, click.Group)
        found = found.commands[word]
    return {
        each.opts[0].lstrip("-").replace("-", "_"): each
        for each in found.params
        if each.name not in _NOT_PARAMETERS
    }


def read(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """A launcher's arguments, `--name=value` all, as the words of a command, and Beam's options.

    Raises:
        ConfigError: there is no command, or not one that can be launched.
    """
    given = dict(_pair(argument) for argument in arguments)
    command = given.pop("command", "")
    if command not in COMMANDS:
        raise ConfigError(f"--command={command}: use one of {', '.join(COMMANDS)}")
    behind: list[str] = []
    words = command.split()
    for name, parameter in parameters(command).items():
        value = given.pop(name, "")
        if isinstance(parameter, click.Argument):
            # Files stand in one text, with blanks between them, as in a shell.
            behind += value.split() if parameter.nargs == -1 else [value] if value else []
        elif isinstance(parameter, click.Option) and parameter.is_flag:
            words += parameter.opts[:1] if value.lower() == "true" else []
        elif value:
            words += [f"{parameter.opts[0]}={value}"]
    ours = {name for each in COMMANDS for name in parameters(each)}
    if others := [name for name, value in given.items() if name in ours and value]:
        raise ConfigError(f"--{others[0]}={given[others[0]]}: `byleave {command}` takes no such parameter")
    beams = [a for a in arguments if _pair(a)[0] not in {*ours, "command"}]
    return [*words, *behind], beams


def _pair(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not name.startswith("--"):
        raise ConfigError(f"{argument}: write parameters as --name=value")
    return name[2:], value if equals else "true"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the graph of a command; the exit code, after one clear message where something is wrong."""
    logging.getLogger().setLevel(logging.INFO)
    try:
        words, beam_options = read(sys.argv[1:] if arguments is None else arguments)
        launcher = Launcher(beam_options=tuple(beam_options), words=tuple(words))
        code = cli.run(words, {"runner": launcher})
        if code == 0:  # it needed no runner: all that is left is for a worker to do, which is next to nothing
            launcher.draw(words[1], lambda pipeline: pipeline | "Start" >> apache_beam.Create([0]))
        return code
    except Drawn:
        click.echo("the job's graph is written; its last step commits", err=True)
        return 0
    except ByleaveError as error:
        click.echo(f"byleave: {error}", err=True)
        return error.exit_code
