"""What would become of opt-out lists if they were taken in: `byleave opt-outs check`. Makes no list."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipelines.ingest_tables import files_of
from pipelines.lists import pin
from pipelines.optouts.intake import Intake, told_how, weigh_list
from pipelines.raw import inputs
from pipelines.requesterkey import key_file, read_key
from pipelines.runner import Runner
from pipelines.store.store import Store
from transforms.formats.lists import Faults
from transforms.formats.optouts.entries import Received, merge_lists
from transforms.formats.optouts.reading import is_of_lines, read_entries
from transforms.intake import Rules

_BLANK = re.compile(rb"(?m)^[ \t\r]*\n")


@dataclass(frozen=True)
class DryRun:
    """A list as it would be taken in.

    Attributes:
        intake: of what is understood.
        faults: of each file, its lines that are not. With any of them nothing would be taken in.
        blank_lines: of lists of lines: skipped, since they name nobody.
    """

    intake: Intake
    faults: tuple[Faults, ...]
    blank_lines: int = 0

    @property
    def not_understood(self) -> int:
        """How many lines."""
        return sum(each.count for each in self.faults)


def check_opt_outs(
    store: Store,
    paths: Sequence[str],
    *,
    received_on: str,
    runner: Runner,
    rules: Rules,
    purposes: int | None = None,
    origin: str | None = None,
    requester_key: str | None = None,
    most_faults: int = 20,
) -> DryRun:
    """What would become of the list made of ``paths``; the other arguments are those of `ingest_opt_outs`.

    Args:
        most_faults: how many lines of a file that are not understood are said in words.

    Raises:
        InputError: a file cannot be read at all.
        ConfigError: a requester is named, and there is no key; or the key cannot be read.
    """
    pinned = pin(paths)
    key = read_key(key_file(requester_key))
    day = datetime.date.fromisoformat(received_on)
    lists: list[pa.Table] = []
    faults: list[Faults] = []
    blank = 0
    for split in pinned.splits:
        received = Received(split.path, store.dataset.source, day, purposes, origin, key)
        faults.append(Faults(split.path, most=most_faults))
        data = inputs.read_whole(split)
        lists.append(read_entries(data, received, faults[-1]))
        blank += len(_BLANK.findall(data)) if is_of_lines(data) else 0
    files = told_how(files_of(pinned, "opt-outs"), origin=origin)
    intake = weigh_list(store, merge_lists(lists), files, received_on, rules, runner.watch)
    return DryRun(intake, tuple(faults), blank)
