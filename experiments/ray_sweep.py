"""The engine of a sweep on a Ray cluster: Tune hands the runs out and goes on after failures.

What a run has reached lies in its own folder, which all nodes must see by the same path. So a run
that is started again, on whatever node, goes on from its own checkpoint.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import tune

from segue.envs.base.cache import cache_folder
from segue.envs.base.errors import SegueError
from segue.experiments.sweep_local import RETRIES
from segue.experiments.sweep_plan import Run
from segue.experiments.sweep_run import is_done, run_one

_LOOK_SECONDS = 0.5
"""Between looks at which runs have ended."""


def run_on_ray(
    runs: Sequence[Run], workers: int | None, folder: Path, done: Callable[[Run], None]
) -> None:
    """Make all runs, one processor core each, on the Ray that is connected.

    Tune's own state lies in the user's cache folder, closed to others: it is pickled, and what is
    read from a sweep's folder, which may come from anywhere, never is. If the process was killed
    while Tune ran, `ray.tune.Tuner.restore` goes on with that state.

    Parameters
    ----------
    runs : sequence of Run
        What to make.
    workers : int or None
        Most runs at a time; None for as many as the cluster has cores.
    folder : Path
        The sweep's; Tune's state is kept under its name.
    done : callable
        Told each run that has ended.

    Raises
    ------
    SegueError
        If a run's process died more than `RETRIES` times, or says that it cannot go on.
    """
    state = _state_folder(folder)
    by_name = {run.name: run for run in runs}
    trainable = tune.with_resources(tune.with_parameters(_trainable, runs=by_name), {"cpu": 1})
    try:
        if tune.Tuner.can_restore(str(state / "tune")):
            tuner = tune.Tuner.restore(str(state / "tune"), trainable, resume_errored=True)
            _fit(tuner, by_name, done)
        left = [name for name, run in by_name.items() if not is_done(run)]
        if left:
            _fit(_new(state, trainable, left, workers), by_name, done)
    finally:
        # It is for the case that nothing gets here.
        shutil.rmtree(state, ignore_errors=True)


def _trainable(config: dict[str, Any], runs: dict[str, Run]) -> dict[str, Any]:
    """Make a run in a worker of Ray; what only a person can mend is not tried again."""
    run = runs.get(config["run"])
    if run is None:
        # A restored Tune may not know yet that it had ended when the sweep was killed.
        return {"error": ""}
    try:
        run_one(run)
    except SegueError as error:
        return {"error": str(error)}
    return {"error": ""}


def _new(state: Path, trainable: Any, names: Sequence[str], workers: int | None) -> tune.Tuner:
    return tune.Tuner(
        trainable,
        param_space={"run": tune.grid_search(list(names))},
        # A process of its own for each run: what one leaves in memory is not carried to the next.
        tune_config=tune.TuneConfig(max_concurrent_trials=workers, reuse_actors=False),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(state),
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            verbose=0,
        ),
    )


def _fit(tuner: tune.Tuner, runs: dict[str, Run], done: Callable[[Run], None]) -> None:
    with _watched(runs, done):
        results = tuner.fit()
    for number in range(len(results)):
        result = results[number]
        if result.error is not None:
            reason = (str(result.error).strip().splitlines() or ["no reason given"])[-1]
            raise SegueError(
                f"A run ended unexpectedly {RETRIES + 1} times on Ray ({reason}); see to the "
                "cluster and resume the sweep."
            )
        if result.metrics and result.metrics.get("error"):
            raise SegueError(result.metrics["error"])


@contextmanager
def _watched(runs: dict[str, Run], done: Callable[[Run], None]) -> Iterator[None]:
    """Tell each run that ends while the block runs, by its folder."""
    stop = threading.Event()
    left = {name: run for name, run in runs.items() if not is_done(run)}

    def look() -> None:
        for name in [name for name, run in left.items() if is_done(run)]:
            done(left.pop(name))

    def watch() -> None:
        while not stop.wait(_LOOK_SECONDS):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        look()


def _state_folder(folder: Path) -> Path:
    """Folder of Tune's state on a sweep, made if missing, which only its user can write to."""
    key = hashlib.sha256(f"{folder} {ray.__version__}".encode()).hexdigest()[:16]
    state = cache_folder() / f"ray-sweep-{key}"
    state.mkdir(mode=0o700, exist_ok=True)
    found = state.stat()
    others = stat.S_IMODE(found.st_mode) & 0o022
    if os.name != "nt" and (found.st_uid != os.getuid() or others):
        raise SegueError(
            f"{state} can be written to by others, who could put code there; remove it."
        )
    return state
