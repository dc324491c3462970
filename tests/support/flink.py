"""A Flink cluster of one job manager and two task managers, and Beam's job server before it.

Both come from Maven Central alone (`flink.pom.xml`) and are started by the classes that Flink's own scripts
start, so that each is a child of this process and surely ends.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from support import tools
from support.processes import free_port, listens, running, wait_for

POM = Path(__file__).with_name("flink.pom.xml")
_MAVEN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

# A job server hands all jars on its class path to each job: 157 MB, 20 s a job. It leaves
# out what lies below a folder of this name. Here the same jars are the cluster's own class path.
_NOT_STAGED = Path("gradle") / "wrapper"

_OPENS = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.io",
        "java.lang",
        "java.lang.reflect",
        "java.net",
        "java.nio",
        "java.text",
        "java.time",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "java.util.concurrent.locks",
        "sun.nio.ch",
    )
]
_LOGS = ["-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"]
_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

# What Flink's start script works out from one figure for the whole process has to be said piece by piece.
_MEMORY = {
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.task.heap.size": "256m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.task.off-heap.size": "64m",
    "taskmanager.memory.network.min": "32m",
    "taskmanager.memory.network.max": "32m",
    "taskmanager.memory.managed.size": "64m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "192m",
    "taskmanager.memory.jvm-overhead.max": "192m",
}


@dataclass(frozen=True)
class Flink:
    """A cluster that runs.

    Attributes:
        master: where the job manager answers, as `host:port`.
        job_endpoint: where the job server does.
        folder: of logs and of what it keeps on disk.
    """

    master: str
    job_endpoint: str
    folder: Path

    def options(self, *environment: str) -> tuple[str, ...]:
        """What stands behind `--`, with the options of one of :mod:`support.workers`' environments."""
        server = ("--runner=PortableRunner", f"--job_endpoint={self.job_endpoint}")
        # Workers that one stage leaves wait for the next: starting one takes seconds.
        cache = "--environment_cache_millis=30000"
        return (*server, f"--parallelism={TASK_MANAGERS}", cache, *environment)


TASK_MANAGERS = 2


def jars() -> Path:
    """The folder of Flink and Beam's job server. Skips the test where Java or Maven is missing."""
    tools.require("java", "mvn")

    def install(staging: Path) -> None:
        lib = staging / _NOT_STAGED
        lib.mkdir(parents=True)
        place = [f"-DoutputDirectory={lib}", "-DincludeScope=runtime"]
        tools.build(["mvn", "-q", "-B", "-f", str(POM), _MAVEN, *place])
        _write_job_server(lib)

    return tools.installed("flink-1.19.0-beam-2.70.0", install) / _NOT_STAGED


def job_server_jar() -> Path:
    """What `--flink_job_server_jar` names: one jar that names the others."""
    return jars() / "job-server.jar"


def _write_job_server(lib: Path) -> None:
    names = " ".join(sorted(jar.name for jar in lib.glob("*.jar")))
    manifest = [
        "Manifest-Version: 1.0",
        "Main-Class: org.apache.beam.runners.flink.FlinkJobServerDriver",
        "Add-Opens: java.base/java.lang java.base/java.nio java.base/java.util java.base/sun.nio.ch",
        f"Class-Path: {names}",
    ]
    # A manifest's lines have 72 bytes at most; what goes on in the next begins with a space.
    text = "".join(
        f"{line[:70]}\r\n" + "".join(f" {line[at : at + 69]}\r\n" for at in range(70, len(line), 69))
        for line in manifest
    )
    with zipfile.ZipFile(lib / "job-server.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", text + "\r\n")


@contextlib.contextmanager
def flink_cluster() -> Iterator[Flink]:
    """A cluster with a job server, each process on free ports of 127.0.0.1; about 2 GiB while jobs run."""
    lib = jars()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flink-")))
        (folder / "tmp").mkdir()
        rest = free_port()
        master = f"127.0.0.1:{rest}"
        _write_settings(folder, rest)

        def java(name: str, heap: str, *words: str, answers: Callable[[], bool]) -> None:
            tmp = f"-Djava.io.tmpdir={folder / 'tmp'}"
            command = ["java", *_OPENS, *_LOGS, tmp, f"-Xmx{heap}", "-XX:+UseSerialGC", *words]
            log = folder / f"{name}.log"
            stack.enter_context(running(command, answers, within_seconds=90, log_file=log))

        on_cluster = ("-cp", f"{lib}/*")
        settings = ("--configDir", str(folder))
        java(
            "job-manager",
            "448m",
            *on_cluster,
            _JOB_MANAGER,
            *settings,
            answers=lambda: _managers(master) >= 0,
        )
        for number in range(TASK_MANAGERS):
            java(
                f"task-manager-{number}", "384m", *on_cluster, _TASK_MANAGER, *settings, answers=lambda: True
            )
        port = free_port()
        flags = {"job-host": "localhost", "job-port": port, "artifact-port": 0, "expansion-port": 0}
        flags |= {"flink-master": master, "artifacts-dir": folder / "artifacts"}
        words = [f"--{name}={value}" for name, value in flags.items()]
        java("job-server", "384m", "-jar", str(lib / "job-server.jar"), *words, answers=lambda: listens(port))
        wait_for(lambda: _managers(master) == TASK_MANAGERS, within_seconds=90)
        yield Flink(master, f"localhost:{port}", folder)


def _write_settings(folder: Path, rest: int) -> None:
    settings = {
        **_MEMORY,
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": free_port(),
        "jobmanager.bind-host": "127.0.0.1",
        "jobmanager.memory.process.size": "1024m",
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": rest,
        "taskmanager.host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": 1,
        "parallelism.default": TASK_MANAGERS,
        "io.tmp.dirs": folder / "tmp",
        "classloader.resolve-order": "parent-first",
    }
    lines = (f"{name}: {value}\n" for name, value in settings.items())
    (folder / "config.yaml").write_text("".join(lines), encoding="utf-8")


def _managers(master: str) -> int:
    """How many task managers the job manager knows; -1 if it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{master}/overview", timeout=5) as answer:
            return int(json.load(answer)["taskmanagers"])
    except (OSError, urllib.error.URLError, ValueError):
        return -1
