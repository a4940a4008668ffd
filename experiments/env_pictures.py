"""Trains an agent on each environment, and shows it: an animation, and how it does in the test.

``python -m segue.experiments.env_pictures`` writes ``docs/pictures/envs/*.gif`` and
``docs/results/environments.json`` into the checkout in the current folder; with names of
environments only these are made anew. It takes a few minutes on one core.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from PIL import Image

import segue.envs
from segue.agents.deep import load_checkpoint
from segue.agents.tabular import QTable, load_newest
from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.env_results import (
    COMMAND,
    FILE,
    EnvironmentResult,
    PolicyRow,
    picture_path,
    read_results,
    write_results,
)
from segue.experiments.evaluation import Act, baselines, episode_bounds, evaluate, model_action
from segue.experiments.learning import make_env
from segue.experiments.overrides import OPTION, read_assignments, with_settings
from segue.experiments.pretrained import start_from_pretrained
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.tabular_training import TabularTraining
from segue.experiments.train import make_agent, train
from segue.experiments.train_config import TrainConfig, default_config

WIDTH = 640
"""Of an animation, in pixels."""
FRAMES = 40
"""Most frames of one."""
COLOURS = 128
SECONDS, LAST_SECONDS = 8.0, 2.5
"""How long an animation plays, and how long its last picture stands."""
FASTEST, SLOWEST = 60, 600
"""Milliseconds of a picture before the last."""


@dataclass(frozen=True)
class Plan:
    """Who learns an environment.

    Attributes
    ----------
    agent : str
        A deep agent, trained on other pieces than it is tested on.
    settings : tuple of str
        Of its training, as after ``--set``; the others are those that come with segue.
    pretrained : bool
        Whether it is not trained, but has the weights that come with segue.
    tables : int
        Test episodes for which Q-learning fills a table each; 0 for none.
    table_settings : tuple of str
        Of that training.
    """

    agent: str
    settings: tuple[str, ...] = ()
    pretrained: bool = False
    tables: int = 0
    table_settings: tuple[str, ...] = ()


PLANS = {
    "segue/Counterpoint-v0": Plan("maskable-ppo", tables=20),
    "segue/Highlight-v0": Plan("maskable-ppo", tables=20, table_settings=("steps=400000",)),
    "segue/LeadSheet-v0": Plan("maskable-ppo", tables=4),
    "segue/Melody-v0": Plan(
        "ppo",
        settings=(
            *("steps=600000", "temperature=[]", "greedy_demonstrations=64", "num_envs=256"),
            *("env_options={}", "eval_episodes=20"),
        ),
    ),
    "segue/Montage-v0": Plan("maskable-ppo", pretrained=True),
    "segue/Multicam-v0": Plan("maskable-ppo", tables=20),
}
"""By id. Fewer tables where one takes long."""


@dataclass(frozen=True)
class _Played:
    """A row of the table, and how it is played."""

    row: PolicyRow
    act: Act


def measure(env_id: str, tell: Tell) -> tuple[EnvironmentResult, list[Image.Image]]:
    """Train on an environment and play its test episodes.

    Parameters
    ----------
    env_id : str
        One of `PLANS`.
    tell : callable
        Told the share done and what is being done.

    Returns
    -------
    EnvironmentResult
        Random, greedy and learnt policies.
    list of PIL.Image.Image
        The best learnt policy in the first test episode, moment by moment, of one size.
    """
    plan = PLANS[env_id]
    config = _config(env_id, plan.agent, plan.settings)
    options = {**config.env_options, **config.test_options}
    env = make_env(env_id, options | {"render_mode": "rgb_array"})
    seeds = range(config.eval_seed, config.eval_seed + config.eval_episodes)
    learnt = [_deep(config, plan, env, seeds, tell)]
    if plan.tables:
        learnt.append(_tables(config, plan, env, seeds[: plan.tables], tell))
    others = [
        PolicyRow(one.name, "not at all", "", 0, tuple(one.returns.tolist()))
        for one in baselines(env, seeds)
    ]
    tell(0.95, "bounds")
    bounds = episode_bounds(env, seeds)
    if bounds is None:
        raise SegueError(f"{env_id} has no bound; give its task one.")
    # A policy that learnt the very episode stands last, and is the one to look at.
    shown = learnt[-1]
    result = EnvironmentResult(
        env=env_id,
        options=options,
        first_seed=seeds[0],
        bounds=tuple(bounds.values.tolist()),
        exact=bounds.exact,
        rows=(*others, *(one.row for one in learnt)),
        shown=shown.row.label,
    )
    return result, frames(env, shown.act, seeds[0])


def frames(env: gym.Env[Any, Any], act: Act, seed: int) -> list[Image.Image]:
    """Pictures of one episode, evenly apart, the first and the last among them.

    Parameters
    ----------
    env : gymnasium.Env
        Made with ``render_mode="rgb_array"``.
    act : callable
        Chooses the actions.
    seed : int
        Of the episode.

    Returns
    -------
    list of PIL.Image.Image
        RGB, of one size: smaller ones are filled up with white at the right and at the foot.
    """
    observation, info = env.reset(seed=seed)
    pictures, over = [_picture(env)], False
    while not over:
        observation, _, terminated, truncated, info = env.step(act(env, observation, info))
        pictures.append(_picture(env))
        over = terminated or truncated
    stride = math.ceil((len(pictures) - 1) / (FRAMES - 1))
    kept = [pictures[at] for at in sorted({0, *range(len(pictures) - 1, 0, -stride)})]
    size = max(one.width for one in kept), max(one.height for one in kept)
    found = []
    for one in kept:
        canvas = Image.new("RGB", size, "white")
        canvas.paste(one)
        found.append(
            canvas.resize((WIDTH, round(WIDTH * size[1] / size[0])), Image.Resampling.LANCZOS)
        )
    return found


def write_animation(pictures: Sequence[Image.Image], path: Path) -> None:
    """Write pictures as a GIF that plays for ever."""
    # One palette, that of the last picture, which has most in it: no colour flickers. By coverage,
    # so that small coloured marks keep their colour.
    palette = pictures[-1].quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    drawn = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    each = min(SLOWEST, max(FASTEST, round(1000 * SECONDS / len(drawn))))
    durations = [each] * (len(drawn) - 1) + [round(1000 * LAST_SECONDS)]
    with atomic_path(path) as temporary:
        drawn[0].save(
            temporary,
            save_all=True,
            append_images=drawn[1:],
            duration=durations,
            loop=0,
            optimize=True,
        )


def _picture(env: gym.Env[Any, Any]) -> Image.Image:
    drawn: Any = env.render()
    return Image.fromarray(np.asarray(drawn, np.uint8))


def _config(env_id: str, agent: str, settings: Sequence[str]) -> TrainConfig:
    base = default_config(env_id, agent)
    return with_settings(base, read_assignments(settings, TrainConfig), OPTION)


def _command(config: TrainConfig, settings: Sequence[str]) -> str:
    words = ["segue", "train", config.env, "--agent", config.agent, "--seed", str(config.seed)]
    return shlex.join([*words, *(word for one in settings for word in (OPTION, one))])


def _deep(
    config: TrainConfig, plan: Plan, env: gym.Env[Any, Any], seeds: range, tell: Tell
) -> _Played:
    """Train an agent on pieces of its own, or take the one that comes with segue."""
    command, count = _command(config, plan.settings), config.steps
    with TemporaryDirectory() as folder:
        if not plan.pretrained:
            run = Path(folder) / "run"
            count = train(config, run, shlex.split(command), tell, compared=False).steps
        model, _ = make_agent(config, 1 if plan.pretrained else config.num_envs)
        if plan.pretrained:
            assert start_from_pretrained(model)
        else:
            load_checkpoint(model, run / "checkpoints")
    act = model_action(model)
    returns = evaluate(env, config.agent, act, seeds, tell).returns
    pieces = "as it comes with segue" if plan.pretrained else "on other pieces"
    if not config.test_options:
        pieces = "on this one task"  # There are no others to be had.
    row = PolicyRow(config.agent, pieces, command, count, tuple(returns.tolist()))
    return _Played(row, act)


def _tables(
    config: TrainConfig, plan: Plan, env: gym.Env[Any, Any], seeds: range, tell: Tell
) -> _Played:
    """Fill a table for each of some test episodes, and play it there."""
    options = {**config.env_options, **config.test_options}
    written = "{" + ", ".join(f"{name}: {_yaml(value)}" for name, value in options.items()) + "}"
    settings = (*plan.table_settings, f"env_options={written}", "eval_episodes=1")
    base = _config(config.env, "q-learning", settings)
    base = replace(base, checkpoint_every=2**62)
    returns, acts, steps = [], [], 0
    for number, seed in enumerate(seeds):
        tell(number / len(seeds), f"table {number + 1} of {len(seeds)}")
        training = TabularTraining(replace(base, seed=seed, eval_seed=seed), env)
        with TemporaryDirectory() as folder:
            training.train(None, Path(folder), lambda table: None)
            table = load_newest(QTable, Path(folder))
        acts.append(training.act(table))
        returns.append(float(evaluate(env, base.agent, acts[-1], [seed]).returns[0]))
        steps = max(steps, table.steps)
    # Test episodes of a table are those of its seed.
    command = _command(replace(base, seed=seeds[0]), (*settings, f"eval_seed={seeds[0]}"))
    learnt = "a table an episode, on that very episode"
    return _Played(PolicyRow(base.agent, learnt, command, steps, tuple(returns)), acts[0])


def _yaml(value: Any) -> str:
    return "[]" if value == () else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures and the file; the exit code is 2 on wrong input."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("envs", nargs="*", help="ids, such as segue/Multicam-v0; default all")
    parser.add_argument("--root", type=Path, default=Path(), help="root of the checkout")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        for env_id in options.envs or segue.envs.IDS:
            if env_id not in PLANS:
                raise SegueError(f"There is no plan for {env_id!r}; choose of {', '.join(PLANS)}.")
            _make(env_id, options.root)
    except SegueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _make(env_id: str, root: Path) -> None:
    """Make the picture and the figures of one environment, and leave the others as they are."""
    path, picture = root / FILE, root / picture_path(env_id)
    picture.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar(env_id) as tell:
        result, pictures = measure(env_id, tell)
    write_animation(pictures, picture)
    known = {**read_results(path), env_id: result}
    write_results(path, [known[one] for one in segue.envs.IDS if one in known])


if __name__ == "__main__":
    sys.exit(main())
