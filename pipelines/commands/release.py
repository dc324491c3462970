"""``byleave release``."""

from __future__ import annotations

import dataclasses
import datetime
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipelines.commands.options import (
    IsoDate,
    columns,
    json_option,
    runner_options,
    show,
    store_argument,
    watch,
)
from pipelines.plurals import counted
from pipelines.policies import find_policy
from transforms.domain.reasons import PRECEDENCE

if TYPE_CHECKING:
    from pipelines.outlook import Forecast
    from pipelines.release_inputs import Inputs
    from pipelines.runner import Runner
    from pipelines.store.releases import Release

_WIDTH = 96
"""Characters of names on a line."""


@click.group()
def release() -> None:
    """Cut, list, show, compare and verify releases."""


@release.command()
@store_argument
@click.option("--policy", required=True, help="A TOML file, or the name of one that ships, such as research.")
@click.option("--version", required=True, help="Version of the release, such as 2026.11.0.")
@click.option(
    "--as-of",
    type=IsoDate(),
    default=None,
    metavar="DATE",
    help="Use what was known on this day. [default: all]",
)
@click.option("--manifest", default=None, metavar="SNAPSHOT", help="[default: the newest]")
@click.option("--without-opt-outs", is_flag=True, help="Cut although no opt-out list was ever taken in.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@runner_options
@json_option
def cut(
    store: str,
    policy: str,
    version: str,
    as_of: str | None,
    manifest: str | None,
    without_opt_outs: bool,
    dry_run: bool,
    runner: Runner,
    as_json: bool,
) -> None:
    """Cut and publish a release: the items that the policy lets through, none that opted out.

    \b
    Example:
      byleave release cut yfcc.store --policy research --version 2026.11.0
    """
    from pipelines import release as job
    from pipelines.release_inputs import choose_inputs
    from pipelines.store.store import open_store

    opened, decided = open_store(store), find_policy(policy)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    inputs = choose_inputs(
        opened, as_of=as_of, manifest=manifest, without_opt_outs=without_opt_outs, today=today
    )
    if dry_run:
        from pipelines.outlook import foresee

        _show_outlook(foresee(opened, inputs, decided), inputs, as_json)
        return
    published, new = job.cut_release(opened, inputs, decided, version, runner)
    from pipelines.catalog.statistics import ship_stats

    stats = ship_stats(opened, published, watch())
    state = "published" if new else "was published already, the same to the byte"
    text = f"release {version} {state}\n{_describe(published)}\n  statistics  {stats}"
    show({**_summary(published), "new": new, "stats": stats}, text, as_json=as_json)


def _stats(store: Any, published: Release) -> str:
    return f"{store.url}/{store.releases.stats_path(published.version)}"


def _show_outlook(forecasts: Sequence[Forecast], inputs: Inputs, as_json: bool) -> None:
    names = {
        "manifest": inputs.manifest.name,
        "licenses": [table.name for table in inputs.licenses],
        "opt_outs": [table.name for table in inputs.opt_outs],
        "as_of": inputs.as_of,
    }
    lines = [
        f"  manifest    {inputs.manifest.name}, {counted(inputs.manifest.counts['rows'], 'item')}",
        *_named("licenses", names["licenses"]),
        *_named("opt-outs", names["opt_outs"]),
        f"  as of       {inputs.as_of or '-'}",
    ]
    for each in (each for each in forecasts if each.actions):
        most = f" to {each.at_most:,}" if each.at_most > each.to_do else ""
        text = f"{each.to_do:,}{most} of {each.actions:,} to do"
        if each.to_do:
            text += f", {counted(each.rows_to_do, 'row')}"
        if each.why:
            text += ": " + ", ".join(
                f"{what.replace('_', '-')} {count:,}" for what, count in each.why.items()
            )
        lines.append(f"  {each.stage.lower():<11} {text}")
    stages = [dataclasses.asdict(each) for each in forecasts]
    show({**names, "stages": stages}, "\n".join(lines), as_json=as_json)


@release.command(name="list")
@store_argument
@json_option
def list_(store: str, as_json: bool) -> None:
    """List the releases, the newest last.

    \b
    Example:
      byleave release list yfcc.store
    """
    from pipelines.store.store import open_store

    opened = open_store(store)
    releases = opened.releases.all()
    lines = [
        f"{each.version:<14} {each.content['counts']['kept']:>13,} items  {each.content['purpose']:<24}"
        f" {each.content['as_of'] or '-':<10}  {each.digest[:12]}"
        for each in releases
    ]
    show(
        {"releases": [_summary(each) for each in releases]},
        "\n".join(lines) or "no release yet",
        as_json=as_json,
    )


@release.command(name="show")
@store_argument
@click.argument("version", required=False)
@json_option
def show_(store: str, version: str | None, as_json: bool) -> None:
    """Show a release: its inputs, counts and digest; the newest if VERSION is left out.

    \b
    Example:
      byleave release show yfcc.store 2026.11.0
    """
    from pipelines.store.store import open_store

    opened = open_store(store)
    found = opened.releases.get(version)
    text = f"release {found.version}\n{_describe(found)}\n  statistics  {_stats(opened, found)}"
    show({"digest": found.digest, **found.to_json(), "stats": _stats(opened, found)}, text, as_json=as_json)


@release.command()
@store_argument
@click.argument("older")
@click.argument("newer")
@json_option
def diff(store: str, older: str, newer: str, as_json: bool) -> None:
    """Compare two releases: items added, removed (and why) and changed.

    \b
    Example:
      byleave release diff yfcc.store 2026.10.0 2026.11.0
    """
    from pipelines.review import diff as compare
    from pipelines.store.store import open_store

    opened = open_store(store)
    found = compare(opened, opened.releases.get(older), opened.releases.get(newer), watch())
    text = (
        f"{older} -> {newer}: {found.buckets_changed:,} of {found.buckets:,} buckets differ\n"
        + columns({"added": found.added, "removed": found.removed, "changed": found.changed})
        + ("\nremoved for\n" + columns(dict(sorted(found.removed_for.items()))) if found.removed_for else "")
    )
    show({"older": older, "newer": newer, **vars(found)}, text, as_json=as_json)


@release.command()
@store_argument
@click.argument("version")
@json_option
def verify(store: str, version: str, as_json: bool) -> None:
    """Hash a release's blobs again and hold its rows against the opt-out lists once more.

    \b
    Example:
      byleave release verify yfcc.store 2026.11.0
    """
    from pipelines.review import verify as check
    from pipelines.store.store import open_store

    opened = open_store(store)
    found = opened.releases.get(version)
    checked = check(opened, found, watch())
    text = (
        f"release {version} is whole: {counted(checked['blobs'], 'blob')}, {checked['bytes']:,} bytes,"
        f" {counted(checked['rows'], 'item')}, none of which meets an opt-out"
    )
    show({"version": version, "digest": found.digest, **checked}, text, as_json=as_json)


def _summary(found: Release) -> dict[str, Any]:
    content = found.content
    return {
        "version": found.version,
        "digest": found.digest,
        "dataset": content["dataset"],
        "purpose": content["purpose"],
        "as_of": content["as_of"],
        "counts": content["counts"],
    }


def _describe(found: Release) -> str:
    content = found.content
    counts = content["counts"]
    inputs = content["inputs"]
    licenses = _names(inputs, "licenses")
    lines = [
        f"  purpose     {content['purpose']}, policy {content['policy']['digest'][:12]}",
        f"  as of       {content['as_of'] or '-'}",
        f"  manifest    {inputs['manifest']['name']}, {counted(inputs['manifest']['rows'], 'item')}",
        *_named("licenses", licenses, f", which saw {counts['observed']:,} of them" if licenses else ""),
        *_named("opt-outs", _names(inputs, "opt_outs")),
        *_further(inputs, counts.get("signals_stale", 0)),
        f"  kept        {counts['kept']:,} of {counted(counts['rows'], 'item')}",
        f"  left out    {counts['excluded']:,}, by first reason",
    ]
    if counts["first_reason"]:
        first = counts["first_reason"]
        first = {reason: first[reason] for reason in PRECEDENCE if reason in first}
        lines.append("\n".join("    " + line for line in columns(first).split("\n")))
    return "\n".join([*lines, f"  digest      sha256:{found.digest}"])


def _names(inputs: Mapping[str, Any], kind: str) -> list[str]:
    return [each["name"] for each in inputs.get(kind, ())]


def _named(kind: str, names: Sequence[str], more: str = "") -> Iterator[str]:
    """The names on one line; or if they are too many for one, how many they are, and the names below."""
    lines = textwrap.wrap(", ".join(names) or "none", _WIDTH, break_long_words=False, break_on_hyphens=False)
    one = "snapshot" if kind in ("licenses", "detections") else "list"
    yield f"  {kind:<11} {lines[0] if len(lines) == 1 else counted(len(names), one)}{more}"
    yield from (f"{'':14}{line}" for line in lines if len(lines) > 1)


def _further(inputs: Mapping[str, Any], stale: int) -> Iterator[str]:
    """The inputs that a release need not have, each kind a line."""
    for kind in ("consents", "aliases", "signals", "detections"):
        if names := _names(inputs, kind):
            yield from _named(kind, names)
    if stale:  # what its source would say today is not known
        yield f"  stale       signals of {counted(stale, 'item')}, since a source could not be got again"
