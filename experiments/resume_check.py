"""Kills training runs at random moments, resumes them, and compares how they end.

::

    python -m segue.experiments.resume_check --kills 20 --agent dqn --out docs/results

Each run is a ``segue train`` in a process of its own, forked from this one so that it need not
import everything anew. It is killed with SIGKILL, some of them while a checkpoint is being written,
and resumed, perhaps killed again. At the end its newest checkpoint must have the same bytes as that
of a run that nobody disturbed: weights, optimiser, replay or table, random states, the state of the
environment, the curve. So must the result of its test. Needs a system that can fork.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from segue.agents.demonstrations import play_optimum, record
from segue.agents.demonstrations.minari_store import write_episodes
from segue.agents.tabular import QTable
from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments import cli
from segue.experiments.learning import make_env
from segue.experiments.manifest import command_line
from segue.experiments.run_folder import CONFIG, RunFolder, write_config
from segue.experiments.train_config import (
    ALL_AGENTS,
    NEED_DEMONSTRATIONS,
    TABULAR,
    TrainConfig,
    default_config,
)

OURS, STRANGER, TABLE = "segue/Multicam-v0", "CartPole-v1", "FrozenLake-v1"
"""Small environments: one of segue, with masks; two of Gymnasium, stepped one after the other."""
DEMONSTRATED = 6
"""Episodes of the optimum that agents which need some are shown."""
LONGEST = 300.0
"""Seconds after which a run hangs."""

_SMALL: dict[str, dict[str, Any]] = {
    "ppo": {"n_steps": 32, "batch_size": 64, "n_epochs": 2},
    "maskable-ppo": {"n_steps": 32, "batch_size": 64, "n_epochs": 2},
    "gail": {"n_steps": 32, "batch_size": 64, "n_epochs": 2},
    "dqn": {"buffer_size": 800, "learning_starts": 100, "target_update_interval": 200},
    "dqfd": {"buffer_size": 800, "target_update_interval": 200, "pretrain_updates": 50},
}
"""Hyperparameters with which short runs do all that long ones do; a replay that overflows."""


@dataclass
class Outcome:
    """What became of the runs of one agent on one environment.

    Attributes
    ----------
    agent, env : str
        Which.
    steps, checkpoints : int
        Of the undisturbed run.
    seconds : float
        That it took.
    kills : int
        SIGKILLs in all.
    writing : int
        Those that left half a checkpoint behind.
    runs : int
        Runs that were killed once or more.
    unequal : list of str
        What differed, run by run; empty is what is hoped for.
    """

    agent: str
    env: str
    steps: int = 0
    checkpoints: int = 0
    seconds: float = 0.0
    kills: int = 0
    writing: int = 0
    runs: int = 0
    unequal: list[str] = field(default_factory=list)


def check(config: TrainConfig, kills: int, seed: int, place: Path) -> Outcome:
    """Train once undisturbed, then with `kills` kills in all, in folders below `place`."""
    generator = np.random.default_rng(seed)
    outcome = Outcome(config.agent, config.env)
    began = time.perf_counter()
    wanted = _ended(_start(config, place / "undisturbed"), place / "undisturbed")
    outcome.seconds = time.perf_counter() - began
    outcome.steps = wanted["result"]["steps"]
    outcome.checkpoints = 1 + int("".join(filter(str.isdigit, wanted["newest"])))
    length = outcome.seconds
    for number in count():
        if outcome.kills >= kills:
            break
        folder = place / f"run-{number}"
        # One moment in each equal part of the run; a second kill comes at any.
        moment = (outcome.kills + generator.random()) / kills
        before = outcome.kills
        while outcome.kills < kills:
            aimed = bool(generator.random() < 0.3)
            if not _killed(_start(config, folder), folder, moment * length, aimed):
                length *= 0.8  # The machine has become faster, or it was too late to aim.
                break
            outcome.kills += 1
            outcome.writing += bool(list(_halves(folder)))
            moment = generator.random()
            if generator.random() < 0.6:
                break
        found = _ended(_start(config, folder), folder)
        outcome.runs += outcome.kills > before
        for name, value in wanted.items():
            if found.get(name) != value:
                outcome.unequal.append(f"{folder}: {name} is {found.get(name)}, not {value}")
    return outcome


def _start(config: TrainConfig, folder: Path) -> int:
    """Go on with a run in a process of its own, or begin it; gives the process's number."""
    if not (folder / CONFIG).is_file():
        write_config(RunFolder.create(None, config.env, config.agent, config.seed, folder), config)
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    try:
        for stream, name in ((1, "stdout.json"), (2, "log.txt")):
            file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, stream)
        sys.argv = ["segue", "train", "--resume", str(folder), "--json"]
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _killed(process: int, folder: Path, moment: float, aimed: bool) -> bool:
    """Kill a process after `moment` seconds, or when it next writes a checkpoint if `aimed`.

    False if it ended before.
    """
    began = time.perf_counter()
    while time.perf_counter() - began < moment or (aimed and not list(_halves(folder))):
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
        time.sleep(0.0005)
    os.kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def _halves(folder: Path) -> list[Path]:
    """Checkpoints that are not whole yet."""
    return list((folder / "checkpoints").glob(".*"))


def _ended(process: int, folder: Path) -> dict[str, Any]:
    """Wait for a run; gives what equal runs have in common."""
    began = time.perf_counter()
    while not (status := os.waitpid(process, os.WNOHANG))[0]:
        time.sleep(0.002)
        if time.perf_counter() - began > LONGEST:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            raise SegueError(f"the run in {folder} hangs; look at its log.txt.")
    if status[1]:
        log = (folder / "log.txt").read_text().strip().splitlines()[-1:]
        raise SegueError(f"the run in {folder} failed ({''.join(log)}); look at its log.txt.")
    result = json.loads((folder / "stdout.json").read_text().splitlines()[-1])
    newest = max(path for path in (folder / "checkpoints").iterdir() if path.name[0] != ".")
    return {
        "result": {name: result[name] for name in result if name not in ("run", "seconds")},
        "newest": newest.name,
        **_digests(newest),
    }


def _digests(newest: Path) -> dict[str, str]:
    """Hashes of all that a checkpoint says."""
    if newest.is_dir():
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(newest.iterdir())
        }
    # The order of a table file's metadata is not fixed; its own hash, checked here, is of contents.
    QTable.load(newest)
    with safe_open(newest, framework="numpy") as file:
        return {newest.name: file.metadata()["sha256"]}


def configs(agent: str, demonstrations: Path | None, place: Path) -> list[TrainConfig]:
    """Give short runs of an agent with many checkpoints.

    Parameters
    ----------
    agent : str
        One of ALL_AGENTS.
    demonstrations : Path or None
        What it learns from, if it needs some; None records the optimum's.
    place : Path
        For those.
    """
    if agent in TABULAR:
        plain = default_config(TABLE, agent)
        return [replace(plain, steps=12_000, checkpoint_every=500, eval_episodes=1)]
    shown = ""
    if agent in NEED_DEMONSTRATIONS:
        shown = str(demonstrations or _demonstrate(place / "optimum-v0"))
    envs = [OURS] if shown or agent in ("maskable-ppo", "dagger") else [OURS, STRANGER]
    return [
        TrainConfig(
            env,
            agent,
            steps=1_200,
            num_envs=4,
            eval_episodes=1,
            checkpoint_every=100,
            demonstrations=shown,
            hyperparameters=_SMALL.get(agent, {}),
        )
        for env in envs
    ]


def _demonstrate(folder: Path) -> Path:
    if not folder.exists():
        env = make_env(OURS, {})
        episodes = record(env, play_optimum, range(DEMONSTRATED), "optimum")
        spaces: dict[str, Any] = {
            "observation_space": env.observation_space,
            "action_space": env.action_space,
        }
        write_episodes(episodes, folder, env_id=OURS, **spaces)
    return folder


def markdown(outcomes: Sequence[Outcome], command: Sequence[str]) -> str:
    """Write the outcomes as a table."""
    lines = [
        "# Runs killed and resumed",
        "",
        "Each run was killed with SIGKILL, at moments spread over it, then resumed with",
        "`segue train --resume`, some killed again. It is equal if its newest checkpoint has the",
        "same bytes as that of an undisturbed run (weights, optimiser, replay or table, random",
        "states, environment, curve) and its test gave the same result.",
        "",
        "| agent | environment | steps | checkpoints | kills | of them while one was written | "
        "runs | equal |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in outcomes:
        equal = one.runs - len({text.partition(":")[0] for text in one.unequal})
        lines.append(
            f"| {one.agent} | {one.env} | {one.steps:,} | {one.checkpoints} | {one.kills} | "
            f"{one.writing} | {one.runs} | {equal} |"
        )
    made = " ".join(command_line(command))
    return "\n".join([*lines, "", f"Made by `{made}`.", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the agents that are named; gives the exit code, 1 if a run ended otherwise."""
    parser = argparse.ArgumentParser(prog="python -m segue.experiments.resume_check")
    parser.add_argument("--kills", type=int, default=20, help="of each agent")
    parser.add_argument("--agent", action="append", choices=ALL_AGENTS, help="default all")
    parser.add_argument("--env", action="append", help="only on these of its environments")
    parser.add_argument("--demonstrations", type=Path, help="folder, for agents that need some")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="gets resume.md and resume.json")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    import_module("segue.experiments.verbs")  # Once, not in every run; so are torch's optimisers.
    torch.optim.Adam([torch.zeros(1)])
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="segue-resume-") as made:
        for agent in given.agent or ALL_AGENTS:
            cases = [
                config
                for config in configs(agent, given.demonstrations, Path(made))
                if given.env is None or config.env in given.env
            ]
            for number, config in enumerate(cases):
                share = (given.kills + number) // len(cases)
                place = Path(made) / f"{agent}-{number}"
                outcomes.append(check(config, share, given.seed, place))
                print(outcomes[-1], file=sys.stderr)
    command = ["python", "-m", "segue.experiments.resume_check", *(arguments or sys.argv[1:])]
    figures = {"kills": given.kills, "seed": given.seed, "outcomes": [*map(asdict, outcomes)]}
    for name, text in (
        ("resume.md", markdown(outcomes, command)),
        ("resume.json", json.dumps(figures, indent=1) + "\n"),
    ):
        with atomic_path(given.out / name) as temporary:
            temporary.write_text(text)
    return int(any(one.unequal for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
