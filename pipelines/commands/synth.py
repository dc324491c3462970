"""``byleave synth``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pipelines.commands.options import json_option, show, watch
from pipelines.plurals import counted


class Slice(click.ParamType[tuple[int, int]]):
    """Which of how many, written 1/2."""

    name = "slice"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, int]:
        """See click."""
        if isinstance(value, tuple):
            return value
        number, slash, slices = value.partition("/")
        if not (slash and number.isdecimal() and slices.isdecimal()):
            self.fail(f"{value!r} is not a slice; write it as 1/2", param, context)
        return int(number), int(slices)


@click.command()
@click.argument("out", metavar="OUT")
@click.option("--rows", type=click.IntRange(min=1), required=True, help="Rows of the manifest.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same bytes.")
@click.option("--format", "fmt", type=click.Choice(["yfcc100m"]), default="yfcc100m", show_default=True)
@click.option(
    "--columns", type=click.Choice(["23", "25"]), default="23", show_default=True, help="Form of the TSV."
)
@click.option(
    "--files", type=click.IntRange(min=1), default=4, show_default=True, help="Files of the manifest."
)
@click.option("--compress", type=click.Choice(["", "gz", "bz2"]), default="", help="Compress the manifest.")
@click.option(
    "--bad-rows", type=click.IntRange(min=0), default=0, show_default=True, help="Broken rows among them."
)
@click.option(
    "--slice",
    "slice_",
    type=Slice(),
    default="1/1",
    show_default=True,
    help="Make one of several slices, such as 1/2.",
)
@click.option("--workers", type=click.IntRange(min=0), default=0, help="Processes. [default: one per core]")
@json_option
def synth(
    out: str,
    rows: int,
    seed: int,
    fmt: str,
    columns: str,
    files: int,
    compress: str,
    bad_rows: int,
    slice_: tuple[int, int],
    workers: int,
    as_json: bool,
) -> None:
    """Make a synthetic manifest with license snapshots and opt-out lists, and OUT/expected.json: its answers.

    \b
    Example:
      byleave synth demo --rows 1000000 --seed 7 --format yfcc100m
    """
    from pipelines.synth import synthesize

    with watch().counting("synth", rows) as report:
        expected = synthesize(
            Path(out),
            rows=rows,
            seed=seed,
            fmt=fmt,
            columns=int(columns),
            files=files,
            compress=compress,
            bad_rows=bad_rows,
            slice=slice_,
            workers=workers or os.cpu_count() or 1,
            report=report,
        )
    text = (
        f"{out}: {counted(expected['rows'], 'row')}, {counted(expected['items'], 'item')} of"
        f" {counted(expected['owners'], 'owner')};"
        " answers in expected.json"
    )
    show(expected, text, as_json=as_json)
