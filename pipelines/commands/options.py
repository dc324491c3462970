"""What the commands share: options, dates, and the two ways to print a result."""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import click

from pipelines.progress import Watch, at_terminal
from pipelines.runner import Runner

_Command = TypeVar("_Command", bound=Callable[..., Any])

store_argument = click.argument("store", metavar="STORE")
files_argument = click.argument("files", nargs=-1, required=True, metavar="FILES...")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
share_option = click.option(
    "--max-quarantined-share",
    type=click.FloatRange(0, 1),
    default=None,
    help="Fail if more than this share of the rows cannot be read. [default: 0.01; 0 of a full snapshot]",
)

requester_key_option = click.option(
    "--requester-key",
    default=None,
    metavar="FILE",
    help="Key under which people who ask are kept as hashes. [default: the file in BYLEAVE_REQUESTER_KEY]",
)


def intake_options(command: _Command) -> _Command:
    """Adds how a list of opt-outs is read and weighed, and hands the command ``rules`` of what waits."""

    @functools.wraps(command)
    def with_rules(
        *args: Any, max_share: float, max_growth: float, max_shrink: float, only_items: bool, **kwargs: Any
    ) -> Any:
        from transforms.intake import Rules

        return command(*args, rules=Rules(max_share, max_growth, max_shrink, only_items), **kwargs)

    for option in (
        click.option("--only-items", is_flag=True, help="Not the same bytes under other ids."),
        click.option(
            "--max-shrink",
            type=float,
            default=0.5,
            show_default=True,
            help="Hold a list that lost a larger share than this since its last version.",
        ),
        click.option(
            "--max-growth", type=float, default=0.5, show_default=True, help="Likewise, if it grew by more."
        ),
        click.option(
            "--max-share",
            type=float,
            default=0.001,
            show_default=True,
            help="Hold a request that meets a larger share than this of the items.",
        ),
        click.option(
            "--origin", default=None, metavar="NAME", help="Through whom entries came that do not say it."
        ),
        click.option(
            "--purposes",
            default=None,
            metavar="NAMES",
            help="What entries cover that do not say it, such as 'search;commercial'. [default: all]",
        ),
    ):
        with_rules = option(with_rules)
    return cast(_Command, with_rules)


def runner_options(command: _Command) -> _Command:
    """Adds ``--workers``, and hands the command a ``runner`` with Beam's options from behind ``--``."""

    @functools.wraps(command)
    def with_runner(*args: Any, workers: int, **kwargs: Any) -> Any:
        given = click.get_current_context().obj or {}
        runner = given.get("runner") or Runner(workers, tuple(given.get("beam_options", ())), watch())
        if "store" in kwargs:  # before the inputs are read, which may take long
            runner.check_store(kwargs["store"])
        return command(*args, runner=runner, **kwargs)

    option = click.option(
        "--workers",
        type=click.IntRange(min=0),
        default=0,
        help="Worker threads. [default: one per core, two if the store is remote]",
    )
    return cast(_Command, option(with_runner))


def watch() -> Watch:
    """Shows progress if a person is at the terminal."""
    return Watch(shown=at_terminal())


def tomorrow() -> datetime.date:
    """The day after this machine's, in UTC: today is tomorrow already for whoever lives east enough."""
    return datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(1)


class IsoDate(click.ParamType[str]):
    """A day as YYYY-MM-DD, kept as text: dates are compared and written down, never reckoned with.

    Args:
        to_come: whether it may be a later day than :func:`tomorrow`. What was received on such a day makes
            every release one of that day, on which today's opt-outs may have expired.
    """

    name = "date"

    def __init__(self, *, to_come: bool = True) -> None:
        self._to_come = to_come

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        """See click."""
        day = None
        with contextlib.suppress(ValueError):
            day = datetime.date.fromisoformat(value)
        if day is None or day.isoformat() != value:
            return self.fail(f"{value!r} is not a day; write it as 2026-11-20", param, context)
        if not self._to_come and day > (last := tomorrow()):
            today = last - datetime.timedelta(1)
            words = (
                f"{value} is yet to come: today is {today}. State the day on which it was, or set the clock"
            )
            return self.fail(words, param, context)
        return value


def show(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print a result for a program or for a person."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else text)


def columns(rows: Mapping[str, int]) -> str:
    """Counts under each other, numbers to the right."""
    if not rows:
        return ""
    names, width = max(map(len, rows)), max(len(f"{n:,}") for n in rows.values())
    return "\n".join(f"  {name:<{names}}  {count:>{width},}" for name, count in rows.items())
