"""Handing a pipeline to a Beam runner, and what becomes of it: done, cancelled, or one of our own errors."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, PortableOptions
from apache_beam.runners.runner import PipelineResult

from pipelines import preflight
from pipelines.beamlog import BeamLog, GaveUp
from transforms.domain.errors import ByleaveError, ConfigError, decode

_LONGEST_RUN_SECONDS = 30 * 86_400
_CANCELLED_WITHIN_SECONDS = 10
_LAST_WORDS = 400


def parse(words: Sequence[str]) -> PipelineOptions:
    """Beam's options.

    Raises:
        ConfigError: one of them cannot be read.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            options = PipelineOptions(list(words))
            options.get_all_options()  # only this reads the values of all of them
    except SystemExit:
        raise ConfigError(f"Beam option: {said.getvalue().strip().rpartition('error: ')[2]}") from None
    if not any(word.startswith("--job_server_timeout") for word in words):
        # Beam 2.77 holds the whole of a run on Prism to this, five minutes if nobody says otherwise. Whether
        # the job server answers is seen to before.
        options.view_as(PortableOptions).job_server_timeout = _LONGEST_RUN_SECONDS
    return options


def submit(
    options: PipelineOptions,
    build: Callable[[beam.Pipeline], object],
    log: BeamLog,
    started: Callable[[PipelineResult], object] = lambda _: None,
) -> None:
    """Run the pipeline that ``build`` makes, to its end; ``started`` is told of the run when it has begun.

    Raises:
        ByleaveError: what an action or a plan raised, on whichever machine.
        ConfigError: the options name no runner, or one that cannot be used.
        RetryError: the runner cannot be reached, or gave up: a worker died, for one.
        KeyboardInterrupt: Ctrl-C; the run is cancelled.
    """
    preflight.check(options)
    try:
        pipeline = beam.Pipeline(options=options)
    except ValueError as error:
        raise ConfigError(f"Beam option: {_one_line(str(error))}") from None
    build(pipeline)
    threading.excepthook = _but_for_lost_calls(threading.excepthook)
    try:
        _run(pipeline, started)
    except Exception as error:
        text = str(error)
        known = decode(text)
        if known is not None:
            raise known from None
        # With one worker Ctrl-C falls into an action, and Beam makes it an error like any other.
        if "KeyboardInterrupt" in text:
            raise KeyboardInterrupt from None
        if _within_this_process(options):
            raise
        raise _gave_up(options, text or type(error).__name__, log) from None


def _run(pipeline: beam.Pipeline, started: Callable[[PipelineResult], object]) -> None:
    result: PipelineResult | None = None
    try:
        result = pipeline.run()
        started(result)
        with _plain_interrupts():
            result.wait_until_finish()
    except KeyboardInterrupt:
        if result is not None:
            _cancel(result)
        # If Beam started a server for the run, its own handler stops it.
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            handler(signal.SIGINT, None)
        raise


@contextlib.contextmanager
def _plain_interrupts() -> Iterator[None]:
    """Ctrl-C is an exception while the block runs: Beam's handler would stop what the run is cancelled by."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _cancel(result: PipelineResult) -> None:
    def cancel() -> None:
        with contextlib.suppress(Exception):  # what goes on, does what the next run would have to do
            result.cancel()

    thread = threading.Thread(target=cancel, daemon=True)
    thread.start()
    thread.join(_CANCELLED_WITHIN_SECONDS)


def _within_this_process(options: PipelineOptions) -> bool:
    return (
        preflight.runner_name(options) == "FnApiRunner"
        and options.view_as(DirectOptions).direct_running_mode == "in_memory"
    )


def _gave_up(options: PipelineOptions, text: str, log: BeamLog) -> ByleaveError:
    words = _one_line(text.partition(" failed in state FAILED: ")[2] or text)
    return GaveUp(
        f"{preflight.runner_name(options)}: the run ended before its work was done: {words}. What was done is"
        " remembered: the same command goes on from there",
        log,
    )


def _one_line(text: str) -> str:
    words = " ".join(text.split()).rstrip(".")
    return words if len(words) <= _LAST_WORDS else f"{words[:_LAST_WORDS]}…"


_Hook = Callable[[threading.ExceptHookArgs], object]


def _but_for_lost_calls(hook: _Hook) -> _Hook:
    """``hook``, not called for threads of Beam that a runner hung up on: they outlive the run by a moment."""
    if getattr(hook, "leaves_out_lost_calls", False):
        return hook

    def leave_out(thrown: threading.ExceptHookArgs) -> object:
        return None if issubclass(thrown.exc_type, grpc.RpcError) else hook(thrown)

    leave_out.leaves_out_lost_calls = True  # type: ignore[attr-defined]
    return leave_out
