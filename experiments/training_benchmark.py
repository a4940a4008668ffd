"""How fast agents train: native vector environments beside Stable-Baselines3's `DummyVecEnv`.

Both sides are the same agent with the same network, hyperparameters and seed; only the vector
environment differs. Rollouts and updates are timed apart, in rounds in which every contestant has
its turn, and the median round counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecEnv

from segue.agents.deep import NativeVecEnv, build
from segue.experiments.bench import Ratio
from segue.experiments.learning import make_vector_env
from segue.experiments.progress import Tell

FEW, MANY = 64, 1_024
"""Environments side by side: of either kind, and native ones only."""
ROLLOUT = 4_096
"""Steps of a rollout with `FEW` environments; with `MANY` eight times as many."""
ROUNDS = 9

HYPERPARAMETERS: Mapping[str, Any] = MappingProxyType(
    {
        "batch_size": 1_024,
        "n_epochs": 4,
        "gamma": 0.99,
        "gae_lambda": 0.9,
        "ent_coef": 0.005,
        "learning_rate": 0.001,
    }
)
"""Of both sides; those that come with LeadSheet."""
SMALL: Mapping[str, Any] = MappingProxyType(
    {"policy": "integers", "policy_kwargs": {"width": 64, "activation": "relu"}}
)
"""Two hidden layers of 64 on the sum of vectors of length 64."""
NAMES = {True: "integers", False: "Stable-Baselines3's own"}
"""Of the policies, by whether they are segue's for integers."""

LEAST_TRAINING, LEAST_ROLLOUT = 1.5, 4.0
"""Least ratio of native to `DummyVecEnv`."""
MOST_SHARE = 0.05
"""Most of the training's time that native environments may take."""


@dataclass(frozen=True)
class Case:
    """An agent on an environment.

    Attributes
    ----------
    env : str
        Gymnasium id.
    agent : str
        ppo or maskable-ppo.
    integers : bool
        Whether its policy is segue's for integers; else Stable-Baselines3's own.
    """

    env: str
    agent: str
    integers: bool = True


CASES = (
    Case("segue/LeadSheet-v0", "maskable-ppo"),
    Case("segue/LeadSheet-v0", "ppo"),
    Case("segue/Melody-v0", "ppo"),
    Case("segue/Multicam-v0", "maskable-ppo"),
    Case("segue/LeadSheet-v0", "ppo", integers=False),
)
"""What is measured; the targets are for segue's policy of integers."""


@dataclass(frozen=True)
class Round:
    """Seconds of one rollout and one update.

    Attributes
    ----------
    env : float
        In the vector environment: steps, resets, infos and masks.
    rollout : float
        Of the whole rollout, `env` among it.
    learning : float
        Of the update.
    """

    env: float
    rollout: float
    learning: float


class Trainer:
    """An agent whose rollouts and updates are timed.

    Parameters
    ----------
    case : Case
        Agent and environment.
    venv : VecEnv
        What it learns in.
    steps : int
        Of a rollout, over all environments.
    """

    def __init__(self, case: Case, venv: VecEnv, steps: int) -> None:
        self.steps = steps
        self._in_env = 0.0
        # Their time is measured from outside, so that nothing is added to either kind.
        for name in ("step", "env_method"):
            setattr(venv, name, self._timed(getattr(venv, name)))
        settings = {**HYPERPARAMETERS, "n_steps": steps // venv.num_envs}
        if case.integers:
            settings |= SMALL
        agent = build(case.agent, venv, seed=0, hyperparameters=settings)
        assert isinstance(agent, PPO | MaskablePPO)
        self._agent = agent
        _, self._callback = agent._setup_learn(2**62)

    def round(self) -> Round:
        """Collect a rollout and learn from it."""
        agent, self._in_env = self._agent, 0.0
        began = time.perf_counter()
        _collect(agent, self._callback)
        collected = time.perf_counter()
        agent.train()
        return Round(self._in_env, collected - began, time.perf_counter() - collected)

    def close(self) -> None:
        """Close the environments."""
        env = self._agent.get_env()
        assert env is not None
        env.close()

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            result = call(*args, **kwargs)
            self._in_env += time.perf_counter() - began
            return result

        return timed


def _collect(agent: PPO | MaskablePPO, callback: BaseCallback) -> None:
    env = agent.get_env()
    assert env is not None
    buffer: Any = agent.rollout_buffer
    agent.collect_rollouts(env, callback, buffer, agent.n_steps)


def measure_training(
    tell: Tell, cases: tuple[Case, ...] = CASES, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Train every case in native environments and in `DummyVecEnv`.

    Parameters
    ----------
    tell : callable
        Called with the share done and a text.
    cases : tuple of Case
        What is trained.
    rounds : int
        Of which the median counts.

    Returns
    -------
    dict
        ``cases``, a list of dicts: ``env``, ``agent``, ``policy``, and ``contestants``, by name
        ("DummyVecEnv", "native", "native, many") a dict of ``environments``,
        ``training_steps_per_second``, ``rollout_steps_per_second`` and the shares
        ``env``, ``policy`` and ``learning`` of its time, which add up to 1 (what
        Stable-Baselines3's loop around the policy takes counts with the policy); and ``ratios``,
        three dicts with the fields of `segue.experiments.bench.Ratio`, for the policy of
        integers.
    """
    measured = []
    for number, case in enumerate(cases):

        def say(share: float, number: int = number, case: Case = case) -> None:
            whole = (number + share) / len(cases)
            tell(whole, f"training: {case.agent} in {case.env}")

        measured.append(_measure(case, rounds, say))
    return {"cases": measured}


def _measure(case: Case, rounds: int, say: Callable[[float], None]) -> dict[str, Any]:
    trainers = _trainers(case)
    say(0.0)
    times: dict[str, list[Round]] = {name: [] for name in trainers}
    for trainer, _ in trainers.values():
        trainer.round()  # compiles and fills caches
    for number in range(rounds):
        for name, (trainer, _) in trainers.items():
            times[name].append(trainer.round())
        say((number + 1) / rounds)
    figures = {
        name: {"environments": count, **_figures(times[name], trainer.steps)}
        for name, (trainer, count) in trainers.items()
    }
    for trainer, _ in trainers.values():
        trainer.close()
    ratios = _ratios(figures) if case.integers else []
    return {
        **{"env": case.env, "agent": case.agent, "policy": NAMES[case.integers]},
        **{"contestants": figures, "ratios": [asdict(ratio) for ratio in ratios]},
    }


def _trainers(case: Case) -> dict[str, tuple[Trainer, int]]:
    """Each contestant and how many environments it has."""

    def native(count: int) -> NativeVecEnv:
        return NativeVecEnv(make_vector_env(case.env, count, {}))

    return {
        "DummyVecEnv": (Trainer(case, make_vec_env(case.env, FEW), ROLLOUT), FEW),
        "native": (Trainer(case, native(FEW), ROLLOUT), FEW),
        "native, many": (Trainer(case, native(MANY), 8 * ROLLOUT), MANY),
    }


def _figures(rounds: list[Round], steps: int) -> dict[str, float]:
    """Rates and shares; the shares are those of the median rounds of each part."""
    env = statistics.median(one.env for one in rounds)
    policy = statistics.median(one.rollout - one.env for one in rounds)
    learning = statistics.median(one.learning for one in rounds)
    whole = env + policy + learning
    return {
        "training_steps_per_second": steps / whole,
        "rollout_steps_per_second": steps / (env + policy),
        "env": env / whole,
        "policy": policy / whole,
        "learning": learning / whole,
    }


def _ratios(figures: Mapping[str, Mapping[str, float]]) -> tuple[Ratio, ...]:
    native, dummy = figures["native"], figures["DummyVecEnv"]

    def faster(what: str) -> float:
        return native[f"{what}_steps_per_second"] / dummy[f"{what}_steps_per_second"]

    return (
        Ratio("native training", "DummyVecEnv", LEAST_TRAINING, faster("training")),
        Ratio("native rollout", "DummyVecEnv", LEAST_ROLLOUT, faster("rollout")),
        Ratio("5 % of the time", "native environments' share", 1.0, MOST_SHARE / native["env"]),
    )


__all__ = ["CASES", "Case", "Round", "Trainer", "measure_training"]
