"""What a Beam runner needs, looked at before a job is handed to it: else it fails late, or waits for ever."""

from __future__ import annotations

import json
import shutil
import socket
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import grpc
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    PrismRunnerOptions,
    StandardOptions,
)

from transforms.domain.errors import ConfigError, RetryError

_ANSWERS_WITHIN_SECONDS = 10
_SERVED_BY_NOBODY = ("", "embed")
_FLINK_PORT = 8081


def runner_name(options: PipelineOptions) -> str:
    """The runner's class, without its module."""
    return str(options.view_as(StandardOptions).runner).rpartition(".")[2]


def check(options: PipelineOptions) -> None:
    """Look whether a runner can do what is asked of it.

    Raises:
        ConfigError: an option is missing, or names a program that is not there.
        RetryError: nobody answers at an address.
    """
    name = runner_name(options)
    if name not in ("PortableRunner", "PrismRunner", "FlinkRunner"):
        return
    _check_environment(options.view_as(PortableOptions), name)
    endpoint = options.view_as(PortableOptions).job_endpoint or ""
    if endpoint not in _SERVED_BY_NOBODY:
        _check_job_server(endpoint)
    elif name == "PortableRunner" and not endpoint:
        raise ConfigError(
            "Beam option runner=PortableRunner: needs the address of a job server, such as"
            " --job_endpoint=localhost:8099"
        )
    elif name == "PrismRunner":
        _check_prism(options.view_as(PrismRunnerOptions).prism_location)
    elif name == "FlinkRunner":
        _check_flink(options)


def _check_environment(options: PortableOptions, runner: str) -> None:
    kind = (options.environment_type or "").upper()
    told = options.environment_config or options.environment_options
    if kind == "EXTERNAL" and not told:
        raise ConfigError(
            "Beam option environment_type=EXTERNAL: needs the address of a worker pool, such as"
            " --environment_config=localhost:50000"
        )
    if kind == "PROCESS":
        if runner == "PrismRunner":
            raise ConfigError(
                "Beam option environment_type=PROCESS: Prism starts no workers of this kind and waits for"
                " ever; use LOOPBACK or EXTERNAL"
            )
        if not options.environment_options and not _names_a_command(options.environment_config):
            raise ConfigError(
                "Beam option environment_type=PROCESS: needs the worker's boot program, as"
                ' --environment_config=\'{"command": "/opt/apache/beam/boot"}\''
            )


def _names_a_command(config: str | None) -> bool:
    try:
        return bool(json.loads(config or "")["command"])
    except (ValueError, KeyError, TypeError):
        return False


def _check_job_server(endpoint: str) -> None:
    with grpc.insecure_channel(endpoint) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_ANSWERS_WITHIN_SECONDS)
        except grpc.FutureTimeoutError:
            raise RetryError(
                f"{endpoint}: no job server answered within {_ANSWERS_WITHIN_SECONDS} s. Start it, or correct"
                " --job_endpoint, and run the command again"
            ) from None


def _check_prism(location: str | None) -> None:
    if location is None or Path(location).is_file() or "://" in location:
        return
    version = metadata.version("apache-beam")
    raise ConfigError(
        f"{location}: there is no Prism (--prism_location). Install it with Go: go install"
        f" github.com/apache/beam/sdks/v2/go/cmd/prism@v{version}"
    )


def _check_flink(options: PipelineOptions) -> None:
    flink, server = options.view_as(FlinkRunnerOptions), options.view_as(JobServerOptions)
    jar = flink.flink_job_server_jar
    if jar and "://" not in jar and not Path(jar).is_file():
        raise ConfigError(f"{jar}: there is no such file (--flink_job_server_jar)")
    if not flink.flink_submit_uber_jar and shutil.which(server.job_server_java_launcher) is None:
        raise ConfigError(
            f"{server.job_server_java_launcher}: not found. FlinkRunner starts Flink's job server with Java:"
            " install Java 17, or name a job server that runs, with --job_endpoint"
        )
    master = flink.flink_master
    if master.startswith("["):
        return
    address = urlsplit(master if "://" in master else f"http://{master}")
    try:
        socket.create_connection(
            (address.hostname or "", address.port or _FLINK_PORT), _ANSWERS_WITHIN_SECONDS
        ).close()
    except OSError as error:
        raise RetryError(
            f"{master}: no Flink job manager answered ({error.strerror or error}). Start it, or correct"
            " --flink_master, and run the command again"
        ) from None
