"""The child process in which libraries read what may be hostile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.envs.base.reader_process import ReaderError, ReaderProcess

WORKER = """
import os, time
from segue.envs.base.errors import SegueError
from segue.envs.base.reader_worker import serve

def main(memory):
    serve(read, memory, 1)

def read(job):
    what = job.decode()
    if what == "pid":
        yield str(os.getpid()).encode()
    elif what == "two":
        print("a library that talks", flush=True)
        yield b"one"
        yield b"two"
    elif what == "reason":
        yield b"one"
        raise SegueError("it is odd")
    elif what == "crash":
        os._exit(3)
    elif what == "hang":
        time.sleep(60)
    elif what == "busy":
        while True:
            pass
    elif what == "much":
        yield bytes(2000)
        yield bytes(2000)
    elif what == "memory":
        try:
            bytearray(1 << 30)
        except MemoryError:
            raise SegueError("too much memory") from None
        yield b"had it"
"""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaderProcess]:
    (tmp_path / "made_up_worker.py").write_text(WORKER)
    monkeypatch.syspath_prepend(tmp_path)
    with ReaderProcess("made_up_worker", (1 << 28,), 1.0, 3000) as shared:
        yield shared


def pid(process: ReaderProcess) -> int:
    return int(b"".join(process.parts(b"pid")))


def test_one_child_does_many_jobs_and_ends_with_the_block(process: ReaderProcess) -> None:
    first = pid(process)
    assert list(process.parts(b"two")) == [b"one", b"two"]
    with pytest.raises(ReaderError, match=r"^it is odd$") as refused:
        list(process.parts(b"reason"))
    assert not refused.value.late
    assert pid(process) == first
    process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert pid(process) != first


@pytest.mark.parametrize("what", ["crash", "hang", "much"])
def test_a_child_that_fails_is_replaced(what: str, process: ReaderProcess) -> None:
    first, began = pid(process), time.monotonic()
    with pytest.raises(ReaderError, match=r"^$") as failed:
        list(process.parts(what.encode()))
    assert failed.value.late == (what == "hang")
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert pid(process) != first


def test_a_busy_child_ends_even_if_nobody_ends_it(process: ReaderProcess) -> None:
    process.seconds = 60.0
    began = time.monotonic()
    with pytest.raises(ReaderError) as failed:
        list(process.parts(b"busy"))
    assert not failed.value.late
    assert time.monotonic() - began < 30


def test_ctrl_c_is_the_callers_affair(process: ReaderProcess) -> None:
    first = pid(process)
    os.kill(first, signal.SIGINT)
    assert pid(process) == first


def test_modules_of_the_working_folder_are_not_run(
    process: ReaderProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "json.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(here)
    assert pid(process) > 0


def test_an_answer_that_is_not_taken_to_its_end_is_no_part_of_the_next(
    process: ReaderProcess,
) -> None:
    first = pid(process)
    answers = process.parts(b"two")
    assert next(answers) == b"one"
    answers.close()
    assert pid(process) != first


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system caps no memory")
def test_memory_is_capped(process: ReaderProcess) -> None:
    with pytest.raises(ReaderError, match="too much memory"):
        list(process.parts(b"memory"))
