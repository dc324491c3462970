"""Running a job: what is remembered is not done again, the rest goes to the Beam runner of choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines import dataflow
from pipelines.actions import Done
from pipelines.beamlog import GaveUp, diverted
from pipelines.jobs import Job, Replay, opened
from pipelines.progress import Watch
from pipelines.store.store import Store
from pipelines.threads import CORES
from transforms.domain.errors import ConfigError, RetryError, UnreachableError

# A run that shares a split with this one drops its routed files when it is done; they are made again. And
# no runner that was tried goes on by itself when a worker of it is killed (docs/engines.md).
_ATTEMPTS = 3

_REFUSED = {
    "multi_threading": (
        "direct_running_mode=multi_threading loses rows without an error (0.1 to 4 % of the keys of a"
        " GroupByKey in 22 of 25 runs); use in_memory or multi_processing"
    ),
    "directrunner": (
        "runner=DirectRunner downloads another runner while it runs and falls back without saying so;"
        " name the runner: FnApiRunner, PrismRunner, FlinkRunner, PortableRunner or DataflowRunner"
    ),
}


def check_options(options: Sequence[str], *, template: bool = False) -> None:
    """Refuse Beam options with which a run cannot be trusted, or one on Dataflow cannot work.

    Raises:
        ConfigError: with the reason, for each of them.
    """
    words = {word.strip("'\"").rpartition(".")[2].lower() for option in options for word in option.split("=")}
    # Beam takes a runner's name with its module or without, in any case, and without its ending.
    if words & {"direct", "switchingdirectrunner"}:
        words.add("directrunner")
    faults = [f"Beam option {fault}" for word, fault in _REFUSED.items() if word in words]
    faults += dataflow.faults(options, template=template)
    if faults:
        raise ConfigError("\n".join(faults))


@dataclass(frozen=True)
class Runner:
    """How jobs are run.

    Attributes:
        workers: of the default runner, threads of this process; 0 is one per core, two if a store is remote.
        beam_options: as they stand after `--` on the command line; they win over `workers`.
        watch: shows how far a job is.
    """

    workers: int = 0
    beam_options: tuple[str, ...] = ()
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        check_options(self.beam_options)
        if self.workers < 0:
            raise ConfigError(
                f"--workers {self.workers}: use a number from 1, or leave it out for one per core"
            )

    def check_store(self, url: str) -> None:
        """Refuse a store that the runner's workers cannot reach.

        Raises:
            ConfigError: with the reason.
        """
        if fault := dataflow.store_fault(self.beam_options, url):
            raise ConfigError(fault)

    def run(self, store: Store, job: Job) -> list[list[Done]]:
        """Every stage's results, each from its memo.

        Raises:
            ByleaveError: what an action or a plan raised, on whichever machine.
            RetryError: the runner ended well, yet results are missing.
        """
        self.check_store(store.url)
        for attempt in range(_ATTEMPTS):
            replay = Replay(store, job)
            replay.advance()
            if not replay.complete:
                try:
                    with self.watch.following(job.name, replay):
                        self._submit(store, job, replay)
                except RetryError as error:
                    if attempt == _ATTEMPTS - 1 or isinstance(error, UnreachableError):
                        raise
                    if isinstance(error, GaveUp):
                        error.forget()
                replay.advance()
            if replay.complete:
                return [replay.results(place) for place in range(len(job.stages))]
        stage = job.stages[replay.stage_reached][0].name
        raise RetryError(
            f"{job.name}: the runner ended well, and actions of the stage {stage} have no result. Do its"
            " workers run this version of byleave, and reach this store? Then run the command again"
        )

    def _submit(self, store: Store, job: Job, replay: Replay) -> None:
        with diverted() as log:
            from pipelines import beam, submission

            options = submission.parse(dataflow.filled(self.options(store.rows_at_once), job.name))
            with opened(replay) as run:
                submission.submit(
                    options,
                    lambda pipeline: beam.build(pipeline, store.url, job, replay.stage_reached, run),
                    log,
                    dataflow.teller(self.beam_options, log.say),
                )

    def options(self, usual_workers: int = CORES) -> list[str]:
        """Beam's options: those of the user, and what is usual where they name no runner."""
        options = list(self.beam_options)
        if not any(option.startswith("--runner") for option in options):
            options.append("--runner=FnApiRunner")
            if not any(option.startswith("--direct_num_workers") for option in options):
                options.append(f"--direct_num_workers={self.workers or usual_workers}")
            if not any(option.startswith("--direct_running_mode") for option in options):
                options.append("--direct_running_mode=in_memory")
        return options
