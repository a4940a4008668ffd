"""One run of a sweep, in whatever process: begun, gone on with, or found finished."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.manifest import MANIFEST
from segue.experiments.run_folder import RunFolder, read_config
from segue.experiments.run_result import RESULT, read_result
from segue.experiments.sweep_plan import Run
from segue.experiments.train_config import TrainConfig

FAILURE = "failure.json"
"""In the folder of a run whose settings cannot be trained with: why."""
PROCESS = "process.lock"
"""Held, with its id inside, by the process that is at the run."""
LONGEST_REASON = 200


@dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes
    ----------
    seed : int
        Of the agent.
    returns : ndarray (episodes,) float64 or None
        Of the validation episodes; None where the settings failed.
    reason : str
        Why they failed, or empty.
    """

    seed: int
    returns: npt.NDArray[np.float64] | None
    reason: str = ""


def is_done(run: Run) -> bool:
    """Tell whether a run has ended, well or badly."""
    return (run.path / RESULT).is_file() or (run.path / FAILURE).is_file()


def outcome(run: Run) -> Outcome:
    """Read what a run gave.

    Raises
    ------
    SegueError
        If it has not ended, or another run lies in its place.
    """
    _check_same(run)
    failure = run.path / FAILURE
    if failure.is_file():
        return Outcome(run.config.seed, None, _reason(failure))
    found = read_result(run.path)
    first, count = run.config.eval_seed, run.config.eval_episodes
    if found.test_seeds != tuple(range(first, first + count)):
        raise SegueError(
            f"{run.path} was tested on other episodes than those of validation; remove it and "
            "resume the sweep."
        )
    return Outcome(run.config.seed, np.array(found.returns))


def run_one(run: Run) -> None:
    """Train and judge: from the beginning, or exactly on from the newest checkpoint.

    Settings that cannot be trained with, such as values that grow beyond bounds, are written down
    as failed. A run that another process is at is waited for.

    Raises
    ------
    SegueError
        If another run lies in its place, or the disk is full or refuses.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    with _alone(run.path / PROCESS):
        if is_done(run):
            return
        begun = (run.path / MANIFEST).is_file()  # The last file that a new run writes.
        if begun:
            _check_same(run)
        try:
            _train(run, begun)
        except (ValueError, RuntimeError, SegueError) as error:
            if isinstance(error.__cause__, OSError):
                raise  # The machine's fault, not that of the settings.
            _write_failure(run.path / FAILURE, error)


def _train(run: Run, begun: bool) -> None:
    import torch

    from segue.experiments.train import resume, train

    torch.set_num_threads(1)
    with without_advice():
        if begun:
            resume(run.path, None, compared=run.compared)
        else:
            train(run.config, run.path, run.command, compared=run.compared)


@contextmanager
def without_advice() -> Iterator[None]:
    """Silence Stable-Baselines3's advice on settings, which many runs would repeat."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="stable_baselines3")
        yield


def _check_same(run: Run) -> None:
    if read_config(RunFolder(run.path), TrainConfig) != _as_read(run.config):
        raise SegueError(
            f"{run.path} was made with other settings than this sweep draws; name another folder, "
            "or the version of segue and Optuna that made it."
        )


def _as_read(config: TrainConfig) -> TrainConfig:
    """Give settings as they come back from a file, where tuples have become lists."""
    plain: Any = json.loads(json.dumps(vars(config)))
    return replace(config, **{**plain, "temperature": tuple(plain["temperature"])})


def _write_failure(path: Path, error: Exception) -> None:
    lines = str(error).splitlines() or ["no reason given"]
    reason = f"{type(error).__name__}: {lines[0]}"[:LONGEST_REASON]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps({"reason": reason}) + "\n", encoding="utf-8")


def _reason(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["reason"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SegueError(f"{path} cannot be read; remove it and resume the sweep.") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock on a file, waiting for it; the system lets go of it when the process ends."""
    with path.open("a+", encoding="utf-8") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        path.unlink(missing_ok=True)
