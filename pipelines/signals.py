"""Ingest of signals: evidence of what machine-readable sources said becomes a table."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.ingest_tables import files_of
from pipelines.lists import commit_list
from pipelines.raw import files as raw_files
from pipelines.raw import planning, sites
from pipelines.runner import Runner
from pipelines.steps import signals_list
from pipelines.store.store import Store
from pipelines.store.tables import SIGNALS, Table
from transforms.domain.errors import InputError
from transforms.formats.signals import DEFAULT_AGENT


def ingest_signals(
    store: Store, paths: Sequence[str], *, observed_on: str, runner: Runner, agent: str = DEFAULT_AGENT
) -> Table:
    """The list of signals made of ``paths``, named by the day and its content.

    Args:
        store: that takes it in.
        paths: files of evidence, or folders of them: see :mod:`pipelines.raw.sites`.
        observed_on: ISO date of evidence that does not say when it was got; since then a release knows it.
        runner: shows how far reading is.
        agent: as whom sites were asked: the name by which they address us.

    Raises:
        InputError: a file cannot be read, or a line of it is not understood; or there is no evidence.
    """
    found, others = sites.find(raw_files.expand(paths))
    places = [each.place for each in found]
    with runner.watch.counting("reading", planning.total_bytes(places)) as report:
        pinned = planning.plan(places, None, split_bytes=0, report=report)
    action = signals_list.action(
        found, pinned.splits, source=store.dataset.source, agent=agent, observed_on=observed_on
    )
    result = signals_list.STAGE.perform(store, action)
    if not result.counts["rows"]:
        raise InputError(f"{', '.join(paths)}: holds no evidence. Leave it out, or fetch it again")
    return commit_list(
        store,
        SIGNALS,
        result.blobs["entries"],
        day=observed_on,
        counts={**result.counts, "passed_over": len(others)},
        files=files_of(pinned, "signals"),
    )
