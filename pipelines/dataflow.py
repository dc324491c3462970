"""Dataflow: what a run there cannot do without, and what byleave says of its jobs unless the user does.

Nothing here imports Beam: a run that cannot work is refused before its inputs are read.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import secrets
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

MIN_RAM = "4GB"
"""For one action at a time, the plan of a hundred million rows, and Beam: see docs/running-at-scale.md."""

# By each option that byleave looks at, the names that Beam knows it by.
_SINGLE = {
    "runner": ("--runner",),
    "project": ("--project",),
    "region": ("--region",),
    "temp_location": ("--temp_location",),
    "template_location": ("--template_location",),
    "dry_run": ("--dry_run",),
    "job_name": ("--job_name",),
    "machine_type": ("--machine_type", "--worker_machine_type"),
    "threads": ("--number_of_worker_harness_threads",),
    "image": ("--sdk_container_image", "--worker_harness_container_image"),
    "setup_file": ("--setup_file",),
    "requirements_file": ("--requirements_file",),
}
_REPEATED = {
    "resource_hints": ("--resource_hint", "--resource_hints"),
    "extra_packages": ("--extra_package", "--extra_packages"),
}


def _parsed(options: Sequence[str]) -> argparse.Namespace:
    """The options that matter here, in the forms in which Beam takes them: two words or one, or cut short."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    for name, words in _SINGLE.items():
        parser.add_argument(*words, dest=name)
    for name, words in _REPEATED.items():
        parser.add_argument(*words, dest=name, action="append")
    try:
        return parser.parse_known_args(list(options))[0]
    except argparse.ArgumentError:  # Beam refuses it too, and says why
        return argparse.Namespace(runner=None)


def is_chosen(options: Sequence[str]) -> bool:
    """Whether the options name Dataflow's runner, as Beam takes its name."""
    runner = (_parsed(options).runner or "").rpartition(".")[2].lower()
    return runner in ("dataflow", "dataflowrunner")


def faults(options: Sequence[str], *, template: bool = False) -> list[str]:
    """Why a run with these options cannot work on Dataflow; empty if it can, or if it is to run elsewhere.

    A ``template`` is drawn by :mod:`pipelines.template`, which says where.
    """
    if not is_chosen(options):
        return []
    given = _parsed(options)
    found = []
    if missing := [name for name in ("project", "region", "temp_location") if not getattr(given, name)]:
        found.append(f"give {', '.join(f'--{name}' for name in missing)}")
    if given.temp_location and not given.temp_location.startswith("gs://"):
        found.append(f"--temp_location={given.temp_location}: use a folder on gs://")
    if not (given.image or given.setup_file or given.extra_packages or given.requirements_file):
        found.append(
            "its workers need this byleave: give --sdk_container_image of an image made with"
            " configs/dataflow/Dockerfile, or --setup_file=./setup.py in a checkout"
        )
    if (given.template_location or given.dry_run) and not template:
        found.append(
            f"leave out --{'template_location' if given.template_location else 'dry_run'}: byleave commits"
            " when its job has run; for a template see docs/running-at-scale.md"
        )
    if importlib.util.find_spec("google.cloud.dataflow") is None:
        found.append("install what talks to it: pip install 'byleave[dataflow]'")
    return [f"runner=DataflowRunner: {fault}" for fault in found]


def store_fault(options: Sequence[str], url: str) -> str | None:
    """Why the store at ``url`` cannot be worked on by Dataflow, if it is to run there."""
    if url.startswith("gs://") or not is_chosen(options):
        return None
    return (
        f"runner=DataflowRunner: its workers cannot reach {url}, each would write to a disk of its own;"
        " use a store on gs://"
    )


def filled(options: Sequence[str], job: str) -> list[str]:
    """The options, and what byleave adds for Dataflow where the user did not say it; else unchanged.

    - Name and labels, by which jobs are found and billed. Labels of the user's own are kept.
    - One action at a time in each process, of which there is one for each core: memory is bounded so.
    - Memory of a worker as a hint for the whole job: with one for some of its steps they would not be fused.
    """
    if not is_chosen(options):
        return list(options)
    given, more = _parsed(options), []
    name = _word(job, "-")
    if not given.job_name:
        more.append(f"--job_name=byleave-{name[:40].rstrip('-')}-{secrets.token_hex(4)}")
    more += [f"--labels=byleave-job={name}", f"--labels=byleave-version={_word(version('byleave'), '_')}"]
    if not given.threads:
        more.append("--number_of_worker_harness_threads=1")
    if not (given.resource_hints or given.machine_type):
        more.append(f"--resource_hints=min_ram={MIN_RAM}")
    return [*options, *more]


def _word(text: str, between: str) -> str:
    """``text`` as the value of a label: at most 63 lowercase letters, digits, and what stands ``between``."""
    return re.sub("[^a-z0-9]+", between, text.lower()).strip(between)[:63]


def teller(options: Sequence[str], say: Callable[[str], object]) -> Callable[[Any], object]:
    """What says, of a run that has begun, where it is; of a run elsewhere there is nothing to say."""
    if not is_chosen(options):
        return lambda _: None
    return lambda result: say(whereabouts(options, result.job_id()))


def whereabouts(options: Sequence[str], job_id: str) -> str:
    """Where a job can be watched, and how it is stopped if it cannot be by Ctrl-C."""
    given = _parsed(options)
    return (
        f"Dataflow job {job_id}: https://console.cloud.google.com/dataflow/jobs/{given.region}/{job_id}"
        f"?project={given.project}; it goes on without this command unless it is stopped, by Ctrl-C or:"
        f" gcloud dataflow jobs cancel {job_id} --region={given.region} --project={given.project}"
    )
