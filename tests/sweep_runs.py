"""Small sweeps, and runs made up or killed, that the tests of sweeps share."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import yaml

from segue.experiments.run_result import RunResult, write_result
from segue.experiments.sweep_plan import Run
from segue.experiments.sweep_run import PROCESS
from segue.experiments.train_config import TrainConfig

ENV = "segue/Counterpoint-v0"
SMALL = {
    "search": {
        "hyperparameters.learning_rate": {"type": "float", "low": 1e-4, "high": 0.05, "log": True},
        "hyperparameters.n_steps": {"type": "choice", "values": [16, 32]},
    },
    "fixed": {"num_envs": 4, "hyperparameters.batch_size": 64},
}
TABLE = ("sweep.json", "sweep.md", "sweep.svg", "best.yaml")


def write_space(folder: Path) -> Path:
    path = folder / "space.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return path


def table(folder: Path) -> dict[str, bytes]:
    """The files of a sweep that may not depend on how it was run."""
    return {name: (folder / name).read_bytes() for name in TABLE}


def made_up(value: Callable[[TrainConfig], float]) -> Callable[..., None]:
    """An engine that writes down what a function says of a run's settings, the last run first."""

    def engine(runs: Sequence[Run], done: Callable[[Run], None]) -> None:
        for run in reversed(runs):
            run.path.mkdir(parents=True)
            (run.path / "config.yaml").write_text(yaml.safe_dump(plain(run.config)))
            first, count = run.config.eval_seed, run.config.eval_episodes
            mean = value(run.config)
            result = RunResult(
                env=run.config.env,
                agent=run.config.agent,
                seed=run.config.seed,
                steps=run.config.steps,
                seconds=1.0,
                test_seeds=tuple(range(first, first + count)),
                returns=tuple(mean + 0.01 * k for k in range(count)),
            )
            write_result(run.path, result)
            done(run)

    return engine


def plain(config: TrainConfig) -> dict[str, object]:
    found = dict(vars(config))
    return found | {"temperature": list(config.temperature)}


def kill_in_the_middle(out: Path, seconds: float = 60.0) -> Path:
    """Kill the process of the first run that has a checkpoint but no result; give its folder."""
    for run in waited_for(lambda: list(checkpointed(out)), seconds):
        os.kill(int((run / PROCESS).read_text()), signal.SIGKILL)
        return run
    raise AssertionError


def checkpointed(out: Path) -> Iterator[Path]:
    for place in out.glob("trials/*/*/checkpoints/checkpoint-*/manifest.json"):
        run = place.parents[2]
        if not (run / "result.json").exists() and (run / PROCESS).exists():
            yield run


def waited_for(look: Callable[[], list[Path]], seconds: float) -> list[Path]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.005)
    raise AssertionError("nothing happened")
