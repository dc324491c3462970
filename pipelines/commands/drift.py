"""``byleave drift``."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.commands.options import IsoDate, json_option, runner_options, show, store_argument
from pipelines.runner import Runner
from transforms.domain.errors import ConfigError, unusable

if TYPE_CHECKING:
    from pipelines.drift import Drift

_GRAINS = ("direction", "license", "year", "month")
_SHOWN_ROWS = 40


@click.command()
@store_argument
@click.option("--from", "from_date", type=IsoDate(), required=True, help="The earlier of two days.")
@click.option("--to", "to_date", type=IsoDate(), required=True, help="The later one.")
@click.option(
    "--known-on",
    type=IsoDate(),
    default=None,
    help="Count only what was known by that day. [default: all that is known]",
)
@click.option("--by", "grain", type=click.Choice(_GRAINS), default="direction", show_default=True)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a header.")
@click.option(
    "--html", type=click.Path(), default=None, metavar="FILE", help="Write a page with two charts, too."
)
@click.option(
    "--png", type=click.Path(), default=None, metavar="FILE", help="Write both charts as a picture, too."
)
@runner_options
def drift(
    store: str,
    from_date: str,
    to_date: str,
    known_on: str | None,
    grain: str,
    as_json: bool,
    as_csv: bool,
    html: str | None,
    png: str | None,
    runner: Runner,
) -> None:
    """Tell how the licenses of a store's items changed between two days.

    Counted are the items of the newest manifest of which something is known on both days. The charts show
    which licenses became which, and when; they need neither a network nor a browser to be drawn, and the
    page none to be read. The same questions can be asked by `byleave sql`: they are in sql/drift.

    \b
    Example:
      byleave drift yfcc.store --from 2025-06-01 --to 2026-11-01 --by license --html drift.html
    """
    from pipelines.drift import Span, measure
    from pipelines.store.store import open_store

    if as_json and as_csv:
        raise ConfigError("--json and --csv: give one of them")
    span = Span(from_date, to_date, known_on)
    files = {name: Path(given) for name, given in (("html", html), ("png", png)) if given}
    for file in files.values():
        _check_place(file)
    opened = open_store(store)
    grains = {grain} | ({"direction", "license", "month"} if files else set())
    found, ledger = measure(opened, span, grains, runner)
    if files:
        from pipelines.pictures import page

        draw = {
            "html": lambda: page.html(found, opened.dataset.name, ledger).encode(),
            "png": lambda: page.png(found, opened.dataset.name),
        }
        for name, file in files.items():
            _write_whole(file, draw[name]())
    if as_csv:
        _show_csv(found, grain)
    else:
        show(_document(found, grain, ledger), _text(found, grain, files.values()), as_json=as_json)


def _document(found: Drift, grain: str, ledger: str) -> dict[str, Any]:
    return {
        "from": found.span.from_date,
        "to": found.span.to_date,
        "known_on": found.span.known_on,
        "ledger": ledger,
        "items": found.items,
        "license_changed": found.license_changed,
        "visibility_changed": found.visibility_changed,
        "by": grain,
        "rows": found.rows(grain),
    }


def _show_csv(found: Drift, grain: str) -> None:
    from pipelines.catalog.queries import render

    for piece in render(found.tables[grain].to_reader(), "csv", terminal=sys.stdout.isatty()):
        click.echo(piece)


def _text(found: Drift, grain: str, files: Iterable[Path]) -> str:
    rows = found.rows(grain)
    lines = [f"license drift {found.span}", f"  {found.summary}"]
    lines += _table(rows[:_SHOWN_ROWS], found.tables[grain].column_names)
    if len(rows) > _SHOWN_ROWS:
        lines.append(f"the first {_SHOWN_ROWS} of {len(rows):,} rows; --csv and --json give all")
    return "\n".join([*lines, *(f"written: {file}" for file in files)])


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Rows in columns, numbers to the right."""
    columns = [[name.replace("_", " "), *(_cell(name, row[name]) for row in rows)] for name in names]
    widths = [max(map(len, column)) for column in columns]
    numeric = [
        bool(rows) and isinstance(rows[0][name], int | float) and name != "upload_year" for name in names
    ]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in zip(*columns, strict=True)
    ]


def _cell(name: str, value: Any) -> str:
    from pipelines.drift import percent

    match value:
        case None:
            return "unknown"
        case float():
            return percent(value)
        case int() if name != "upload_year":
            return f"{value:,}"
        case _:
            return str(value).replace("_", " ")


def _check_place(file: Path) -> None:
    """Refuse a place for a picture before the work is done that it would show.

    Raises:
        ConfigError: it is a folder, or in none.
    """
    if file.is_dir():
        raise ConfigError(f"{file}: is a folder; name a file in it")
    if not file.parent.is_dir():
        raise ConfigError(f"{file}: there is no folder {file.parent}; make it first")


def _write_whole(file: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    scratch = file.with_name(f".byleave-{secrets.token_hex(8)}")  # no longer than a name may be
    try:
        scratch.write_bytes(content)
        os.replace(scratch, file)
    except OSError as error:
        raise unusable(OSError(error.errno, error.strerror, str(file))) from error
    finally:
        with contextlib.suppress(OSError):  # what went wrong before is told
            scratch.unlink()
