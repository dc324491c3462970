"""``byleave policy``."""

from __future__ import annotations

import csv
import datetime
import io
from typing import TYPE_CHECKING

import click

from pipelines.commands.options import IsoDate, json_option, runner_options, show
from pipelines.plurals import counted
from pipelines.policies import find_policy, policy_text

if TYPE_CHECKING:
    from pipelines.runner import Runner
    from pipelines.whatif import Outcome


@click.group()
def policy() -> None:
    """Compare policies by what they would publish, and read them with care."""


@policy.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@click.option("--store", required=True, help="Whose items they decide on.")
@click.option(
    "--as-of",
    type=IsoDate(),
    default=None,
    metavar="DATE",
    help="Use what was known on this day. [default: all]",
)
@click.option("--manifest", default=None, metavar="SNAPSHOT", help="[default: the newest]")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table of comma-separated values.")
@runner_options
@json_option
def diff(
    before: str,
    after: str,
    store: str,
    as_of: str | None,
    manifest: str | None,
    as_csv: bool,
    runner: Runner,
    as_json: bool,
) -> None:
    """What a release would gain and lose by policy AFTER instead of BEFORE; nothing is published.

    Items and owners by the first reason for which the one policy leaves them out, by the license that decides
    for AFTER, and by the year of upload. An owner who has items of two kinds counts with each of them.

    \b
    Example:
      byleave policy diff research commercial --store yfcc.store
    """
    from pipelines.release_inputs import choose_inputs
    from pipelines.store.store import open_store
    from pipelines.whatif import what_if

    opened, old, new = open_store(store), find_policy(before), find_policy(after)
    # Nothing is published: a store without an opt-out list can be asked too.
    today = datetime.datetime.now(datetime.UTC).date().isoformat()  # as a release that is cut now
    inputs = choose_inputs(opened, as_of=as_of, manifest=manifest, without_opt_outs=True, today=today)
    outcome = what_if(opened, inputs, old, new, runner)
    if as_csv:
        click.echo(_csv(outcome), nl=False)
        return
    named = {"policies": [before, after], "manifest": inputs.manifest.name, "as_of": inputs.as_of}
    head = (
        f"{before} -> {after}: {counted(outcome.counts.get('rows', 0), 'item')} of {inputs.manifest.name},"
        f" as of {inputs.as_of or '-'}"
    )
    show({**named, **outcome.as_dict()}, "\n".join([head, *_lines(outcome)]), as_json=as_json)


def _lines(outcome: Outcome) -> list[str]:
    """A table of all that is kept and changes, and one for each way in which that is told apart."""
    whole = [(name, *outcome.whole(name)) for name in ("before", "after", "gained", "lost")]
    parts: dict[str, list[tuple[str, int, int]]] = {}
    for change, grain, value, items, owners in outcome.rows():
        parts.setdefault(f"{change}, by {grain}", []).append((value, items, owners))
    every = [*whole, *(row for rows in parts.values() for row in rows)]
    names, digits = max(len(row[0]) for row in every), max(len(f"{row[1]:,}") for row in every)

    def line(name: str, items: int, owners: int) -> str:
        return f"  {name:<{names}}  {items:>{digits},} items  {owners:>{digits},} owners"

    lines = [line(*row) for row in whole]
    for title, rows in parts.items():
        lines += [title, *(line(*row) for row in rows)]
    return lines


def _csv(outcome: Outcome) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("change", "by", "value", "items", "owners"))
    for name in ("before", "after", "gained", "lost"):
        writer.writerow((name, "", "", *outcome.whole(name)))
    writer.writerows(outcome.rows())
    return text.getvalue()


@policy.command()
@click.argument("policies", nargs=-1, required=True, metavar="POLICY...")
@json_option
def lint(policies: tuple[str, ...], as_json: bool) -> int:
    """Read policies with care: what is wrong in them, and what a person should have meant.

    Faults are errors, with exit code 3. Advice is not: it names what lets in more than it seems to.

    \b
    Example:
      byleave policy lint research my-policy.toml
    """
    from transforms.domain.errors import ConfigError
    from transforms.domain.policy_advice import advise

    found = {}
    for path in policies:
        try:
            found[path] = {"faults": [], "advice": advise(policy_text(path), path)}
        except ConfigError as error:
            found[path] = {"faults": str(error).splitlines(), "advice": []}
    faults = sum(len(each["faults"]) for each in found.values())
    lines = []
    for path, each in found.items():
        lines += [f"fault   {line}" for line in each["faults"]]
        lines += [f"advice  {path} > {line}" for line in each["advice"]]
        if not any(each.values()):
            lines.append(f"sound   {path}")
    show({"policies": found}, "\n".join(lines), as_json=as_json)
    return ConfigError.exit_code if faults else 0
