"""What only a folder has: scratch files, and what is left of a run that died."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from powercut import Disk

from pipelines.store.local import LocalBackend, locked
from transforms.domain.errors import StateError

WRITER = """
import sys, time
from pathlib import Path
from pipelines.store.local import LocalBackend, locked

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


# --- Power cuts --------------------------------------------------------------------------------------------


def _write_this_and_that(backend: LocalBackend, disk: Disk) -> None:
    for place, path in enumerate(("a/b/c", "a/b/d", "top", "e/f/g/h")):
        content = f"{path} {place}".encode() * 50
        if place % 2:
            assert backend.create(path, content)
        else:
            with backend.upload(".bin") as upload:
                upload.file.write(content)
                assert upload.create(path)
        disk.promised(path, content)
    for number in range(3):
        content = f"replaced {number}".encode() * 50
        found = backend.read_generation("channels/latest")
        assert backend.replace("channels/latest", content, found[1] if found else None)
        disk.promised("channels/latest", content)


def test_after_a_power_cut_at_any_moment_what_was_promised_is_there_and_nothing_is_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "new" / "store"
    with Disk(tmp_path, root, monkeypatch) as disk:
        backend = LocalBackend(root)
        _write_this_and_that(backend, disk)
        backend.close()
    assert disk.cuts > 40
    assert disk.faults == []


def test_what_another_process_made_a_moment_ago_is_durable_before_it_is_relied_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "store"
    backend = LocalBackend(root)
    backend.create("x", b"x")
    # It got as far as the folder and the name, and was then stopped: neither of them is synced.
    (root / "a").mkdir()
    (root / "a" / "there").write_bytes(b"theirs")
    with Disk(tmp_path, root, monkeypatch, synced=["x"], nameless=["a/there"]) as disk:
        assert not backend.create("a/there", b"mine")
        disk.promised("a/there", b"theirs")
        assert backend.create("a/mine", b"mine")
        disk.promised("a/mine", b"mine")
        backend.close()
    assert disk.faults == []


# --- File systems ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EXDEV])
def test_a_file_system_without_hard_links_is_named_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    backend = LocalBackend(tmp_path)
    monkeypatch.setattr(os, "link", no_link)
    with pytest.raises(StateError, match=f"{tmp_path}: .* has no hard links .* Put the store on"):
        backend.create("a", b"1")
    backend.close()
    assert scratch(tmp_path) == []


def test_another_error_of_the_file_system_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    backend = LocalBackend(tmp_path)
    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space"):
        backend.create("a", b"1")
    backend.close()


def test_a_link_that_was_made_though_the_answer_says_otherwise_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def asked_twice(source: Path, target: Path) -> None:
        real(source, target)
        real(source, target)

    backend = LocalBackend(tmp_path)
    monkeypatch.setattr(os, "link", asked_twice)
    assert backend.create("a", b"1")
    assert not backend.create("a", b"2")
    backend.close()


# --- Locks of replacements ---------------------------------------------------------------------------------


def test_replacing_leaves_no_lock_behind(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    # One that a dead run left is nobody's.
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / ".latest.lock").touch()
    start, won = threading.Barrier(8), []

    def replace(number: int) -> None:
        for place in range(30):
            start.wait()
            found = backend.read_generation("channels/latest")
            start.wait()
            if backend.replace("channels/latest", f"{place} {number}".encode(), found[1] if found else None):
                won.append(place)

    threads = [threading.Thread(target=replace, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(30))
    assert os.listdir(tmp_path / "channels") == ["latest"]
    backend.close()


def test_a_lock_whose_file_is_gone_lets_nobody_in(tmp_path: Path) -> None:
    inside: list[int] = []
    crowded: list[int] = []

    def enter(number: int) -> None:
        for _ in range(150):
            with locked(tmp_path / "latest"):
                inside.append(number)
                crowded.extend(inside[1:])
                time.sleep(0)
                inside.remove(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crowded == []
