"""Checks of whether the agents of Stable-Baselines3 can learn on an environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gymnasium import spaces

from segue.experiments.contract.basics import first_line
from segue.experiments.contract.check import Finding, Subject, check, fault

PLAIN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def learnable(subject: Subject) -> str:
    """Apply where the spaces are of kinds that Stable-Baselines3 knows."""
    seen, done = subject.example.observation_space, subject.example.action_space
    parts = list(seen.spaces.values()) if isinstance(seen, spaces.Dict) else [seen]
    for part in parts:
        if not isinstance(part, PLAIN) or not _flat(part):
            return f"deep agents cannot read {type(part).__name__} observations; flatten them"
    if not isinstance(done, PLAIN) or not _flat(done):
        return f"deep agents cannot choose {type(done).__name__} actions; flatten them"
    return ""


def _flat(space: spaces.Space[Any]) -> bool:
    """Whether integers begin at 0 and lie in one row."""
    begin: Any = getattr(space, "start", 0)
    row = not isinstance(space, spaces.MultiDiscrete) or space.nvec.ndim == 1
    return row and not (begin if isinstance(begin, int) else begin.any())


@check("stable-baselines3", "Stable-Baselines3's own check_env accepts it", learnable)
def stable_baselines(subject: Subject) -> Iterator[Finding]:
    """Run the checker of the deep agents' library."""
    from stable_baselines3.common.env_checker import check_env

    try:
        check_env(subject.make().unwrapped)
    except AssertionError as error:
        yield fault(f"check_env says: {first_line(error)}")


@check("learning", "an agent of Stable-Baselines3 learns on it for some steps", learnable)
def learning(subject: Subject) -> Iterator[Finding]:
    """Let A2C take six steps."""
    from stable_baselines3 import A2C

    env = subject.make()
    mixed = isinstance(env.observation_space, spaces.Dict)
    agent = A2C("MultiInputPolicy" if mixed else "MlpPolicy", env, n_steps=3, device="cpu", seed=0)
    agent.learn(6)
    if agent.num_timesteps != 6:
        yield fault(f"an agent made {agent.num_timesteps} steps where 6 were asked for.")


LEARNERS = (stable_baselines, learning)
