"""The command line: commands, exit codes, and one clear message where something is wrong."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

# Arrow's allocator gives memory back at once, and takes it again for the next batch. Keeping it: 0.92 of
# the CPU and 1.18 of the memory (ingest of 1M rows, medians of three pairs of runs). The setting is read when
# Arrow is loaded, so it stands before what imports Arrow.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "-1")

from pipelines.commands.aliases import aliases
from pipelines.commands.consents import consents
from pipelines.commands.drift import drift
from pipelines.commands.explain import explain
from pipelines.commands.ingest import ingest
from pipelines.commands.ingest_opt_outs import opt_outs as ingest_opt_outs
from pipelines.commands.init import init
from pipelines.commands.ledger import ledger
from pipelines.commands.licenses import licenses
from pipelines.commands.nightly import nightly
from pipelines.commands.opt_outs import opt_outs
from pipelines.commands.policy import policy
from pipelines.commands.query import sql
from pipelines.commands.release import release
from pipelines.commands.signals import signals
from pipelines.commands.synth import synth
from transforms.domain.errors import ByleaveError, InputError, unusable

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="byleave")
def cli() -> None:
    """Cut dataset releases by your contributors' leave.

    Beam's options go behind `--`, such as: -- --runner=FlinkRunner --parallelism=8

    \b
    Exit codes: 0 done, 2 the command line cannot be read, 3 fix the configuration, 4 fix the input,
    5 the store is not in a state for this, 6 run it again, 7 refused to publish, 8 the store is damaged,
    9 run it again to find out whether the release is published.
    """


for command in (init, ingest, release, nightly, opt_outs, policy, explain, drift, licenses, sql, synth):
    cli.add_command(command)
ingest.add_command(ingest_opt_outs)
ingest.add_command(aliases)
ingest.add_command(consents)
licenses.add_command(ledger)
ingest.add_command(signals)


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit."""
    words, beam_options = _split(sys.argv[1:] if arguments is None else arguments)
    _leave(run(words, {"beam_options": beam_options}))


def run(words: list[str], given: dict[str, Any]) -> int:
    """Run a command; its exit code, after one clear message on standard error where something is wrong.

    ``given`` is what a command gets besides its words: ``beam_options``, or a ``runner`` of the caller's.
    """
    try:
        told = cli.main(args=words, prog_name="byleave", standalone_mode=False, obj=given)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ByleaveError as error:
        click.echo(f"byleave: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UnicodeEncodeError as error:
        # What a shell hands over, or a terminal shows, need not be text; Arrow and outputs ask for it.
        fault = InputError(f"{error.object!a} cannot be written as {error.encoding}: it is no text")
        click.echo(f"byleave: {fault}", err=True)
        return fault.exit_code
    except OSError as error:
        known = unusable(error)
        click.echo(f"byleave: {known}", err=True)
        return known.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except RuntimeError as error:
        if str(error) != "Query interrupted":  # which is what DuckDB makes of Ctrl-C
            raise
        return _interrupted()
    # A command that ends with a code of its own makes click return it; all others return nothing.
    return told or 0


def _interrupted() -> int:
    click.echo(
        "byleave: interrupted. Nothing half-done is visible; the same command goes on from here", err=True
    )
    return _INTERRUPTED


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The command's words, and Beam's from behind the first `--`."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _leave(code: Any) -> None:
    """Exit; after Ctrl-C without waiting for a runner's threads, whose work is safe to cut anywhere."""
    from pipelines.store.store import close_stores

    close_stores()
    sys.stdout.flush()
    sys.stderr.flush()
    if code == _INTERRUPTED:
        os._exit(_INTERRUPTED)
    sys.exit(code)


if __name__ == "__main__":
    main()
