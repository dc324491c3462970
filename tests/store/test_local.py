"""What only a folder has: scratch files, and what is left of a run that died."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.store.local import LocalBackend

WRITER = """
import sys, time
from pathlib import Path
from pipelines.store.local import LocalBackend

with LocalBackend(Path(sys.argv[1])).upload(".parquet") as upload:
    upload.file.write(b"half of it")
    upload.file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


@contextmanager
def writer(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of an upload."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"writing\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def scratch(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in (root / "tmp").rglob("*") if path.is_file())


def _half_written(root: Path, pid: int) -> list[str]:
    return [name for name in scratch(root) if name.startswith(f"tmp/{pid}-") and not name.endswith(".lock")]


def test_what_a_dead_run_left_is_swept_by_the_next_and_what_a_live_one_writes_is_not(tmp_path: Path) -> None:
    with writer(tmp_path) as dead, writer(tmp_path) as alive:
        (of_dead,), (of_alive,) = (_half_written(tmp_path, process.pid) for process in (dead, alive))
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert of_dead in scratch(tmp_path)  # nobody was there to tidy up

        backend = LocalBackend(tmp_path)
        assert backend.create("datasets/d.json", b"{}")
        left = scratch(tmp_path)
        assert not [name for name in left if name.startswith(f"tmp/{dead.pid}-")]
        assert of_alive in left
        backend.close()
    assert list(backend.list("datasets")) == ["datasets/d.json"]


def test_reading_makes_no_scratch_folder_and_sweeps_none(tmp_path: Path) -> None:
    writer = LocalBackend(tmp_path)
    with writer.upload(".bin"):
        assert writer.create("a/b", b"x")
        before = scratch(tmp_path)
        _read_all(tmp_path)
        assert scratch(tmp_path) == before
    writer.close()


def _read_all(tmp_path: Path) -> None:
    reader = LocalBackend(tmp_path)
    assert reader.read("a/b") == b"x"
    assert list(reader.list("a")) == ["a/b"]
    assert reader.read_generation("a/b") is not None
    reader.close()


@pytest.mark.parametrize("fails", [False, True])
def test_an_upload_leaves_no_scratch_file(tmp_path: Path, fails: bool) -> None:
    backend = LocalBackend(tmp_path)
    try:
        with backend.upload(".bin") as upload:
            upload.file.write(b"x")
            if fails:
                raise ZeroDivisionError
            upload.create("a/b")
    except ZeroDivisionError:
        pass
    assert [name for name in scratch(tmp_path) if not name.endswith(".lock")] == []
    backend.close()
    assert scratch(tmp_path) == []


def test_a_process_that_was_forked_off_writes_in_a_folder_of_its_own(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    with backend.upload(".bin") as mine:
        mine.file.write(b"mine")
        program = (
            "import os, sys; from pathlib import Path; from pipelines.store.local import LocalBackend\n"
            "b = LocalBackend(Path(sys.argv[1])); b.create('parent', b'p')\n"
            "if os.fork() == 0:\n"
            "    b.create('child', b'c'); b.close(); os._exit(0)\n"
            "_, status = os.wait()\n"
            "b.create('parent again', b'p'); b.close(); sys.exit(status)\n"
        )
        subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
        assert mine.create("mine")
    backend.close()
    assert {"parent", "child", "parent again", "mine"} <= {path.name for path in tmp_path.iterdir()}
    assert scratch(tmp_path) == []
