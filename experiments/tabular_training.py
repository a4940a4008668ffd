"""Tabular agents of `segue train`: which task their table learns, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete

from segue.agents.tabular import (
    Discretise,
    QLearningConfig,
    QTable,
    load_newest,
    save_newest,
    saved_tables,
    train_compiled,
    train_plain,
)
from segue.agents.tabular.q_learning_config import Method
from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TabularEnv, TransitionModel
from segue.experiments.board_charts import AGENT
from segue.experiments.compose import q_learning_config
from segue.experiments.evaluation import Act, table_action
from segue.experiments.train_config import TrainConfig

METHODS: Mapping[str, Method] = {
    "q-learning": "q",
    "double-q": "double-q",
    "q-lambda": "q-lambda",
}
"""What each tabular agent is called in `QLearningConfig`."""

STOCHASTIC: dict[str, Any] = {
    **{"alpha": 0.1, "gamma": 0.99, "chunk_episodes": 100, "replay": "online"},
    **{"epsilon_start": 0.1, "epsilon_end": 0.1},
}
"""Settings of an env that nothing is known of; a run's hyperparameters go before them."""

Tell = Callable[[QTable], None]


class TabularTraining:
    """A tabular agent on the env of a run.

    An env with a transition model is learnt from its tables, compiled; any other one by playing
    it, its observations numbered by `Discretise` where they are no number.

    Parameters
    ----------
    config : TrainConfig
        The run. Its ``hyperparameters`` are those of `QLearningConfig`, and ``bins`` and
        ``ranges`` of `Discretise`.
    env : gymnasium.Env
        Its test env, which is also played in training.

    Raises
    ------
    SegueError
        If the env cannot be numbered or a hyperparameter is unknown.
    """

    def __init__(self, config: TrainConfig, env: gym.Env[Any, Any]) -> None:
        self._config, self._env = config, env
        given = dict(config.hyperparameters)
        discretise: dict[str, Any] = {
            name: given.pop(name) for name in ("bins", "ranges") if name in given
        }
        _check_names(config.agent, given)
        if not isinstance(env.action_space, Discrete):
            raise SegueError(
                f"{config.agent} needs Discrete actions, and {config.env} has {env.action_space}; "
                "choose another agent."
            )
        self._model = None if discretise else _model(env, config.seed)
        if self._model is None and (discretise or not isinstance(env.observation_space, Discrete)):
            self._env = _numbered(config, env, discretise)
        self.settings = _settings(config, self._model, given)

    def start(self, folder: Path, resumed: bool) -> QTable | None:
        """Give the newest undamaged table in `folder` if `resumed` and there is one."""
        return load_newest(QTable, folder) if resumed and saved_tables(folder) else None

    def train(self, table: QTable | None, folder: Path, progress: Tell) -> QTable:
        """Train up to the run's steps, from `table` if given; saves into `folder`."""
        saved = table.steps if table else 0

        def tell(now: QTable) -> None:
            nonlocal saved
            if now.steps - saved >= self._config.checkpoint_every:
                saved = now.steps
                save_newest(now, folder)
            progress(now)

        if self._model is not None and self._model.horizon:
            table = self._learn(_episodes(self._config, self._model), table, tell)
        while table is None or (table.steps < self._config.steps and not table.settled):
            played = table.episodes if table else 0
            table = self._learn(played + self.settings.chunk_episodes, table, tell)
        if table.steps != saved:
            save_newest(table, folder)
        return table

    def _learn(self, episodes: int, table: QTable | None, tell: Tell) -> QTable:
        """Train up to a number of episodes, counting those of `table`."""
        settings = replace(self.settings, episodes=episodes)
        if self._model is not None:
            return train_compiled(self._model, settings, table=table, progress=tell)
        return train_plain(self._env, settings, table=table, progress=tell)

    def told(self, table: QTable) -> dict[str, float]:
        """Tell how a table explores, by TensorBoard's tag: epsilon, and the states it has met."""
        epsilon = self.settings.epsilon(np.array([table.episodes]))
        met = float(table.visits.any(axis=1).sum())
        return {f"{AGENT}/table/epsilon": float(epsilon[0]), f"{AGENT}/table/states_met": met}

    def act(self, table: QTable) -> Act:
        """Give the greedy policy of a table on the env of the run."""
        policy = table.policy()
        if self._model is not None:
            return table_action(policy)
        number = self._env.observation if isinstance(self._env, Discretise) else int

        def act(env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> Any:
            return policy.act(number(observation), info.get("action_mask"))

        return act


def _model(env: gym.Env[Any, Any], seed: int) -> TransitionModel | None:
    """Give the tables of a run's one task, if it has some."""
    inner = env.unwrapped
    if not isinstance(inner, TabularEnv):
        return None
    env.reset(seed=seed)
    return inner.transition_model()


def _numbered(
    config: TrainConfig, env: gym.Env[Any, Any], settings: Mapping[str, Any]
) -> Discretise:
    try:
        return Discretise(env, **settings)
    except SegueError as error:
        raise SegueError(f"{config.agent} cannot learn {config.env}: {error}") from error


def _check_names(agent: str, given: Mapping[str, Any]) -> None:
    known = {field.name for field in fields(QLearningConfig)} - {"method", "episodes", "seed"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise SegueError(
            f"{agent} has no hyperparameter {unknown[0]!r}; choose from "
            f"{', '.join(sorted(known | {'bins', 'ranges'}))}."
        )


def _settings(
    config: TrainConfig, model: TransitionModel | None, given: dict[str, Any]
) -> QLearningConfig:
    method = METHODS[config.agent]
    if model is None or model.horizon == 0:
        return QLearningConfig(method=method, seed=config.seed, **(STOCHASTIC | given))
    episodes = _episodes(config, model)
    base = q_learning_config(model, config.seed, episodes)
    # The other methods' values are no upper bounds, so that optimism alone explores too little.
    explores: dict[str, Any] = {
        **{"alpha": 0.5, "replay": "online", "epsilon_start": 1.0, "epsilon_end": 0.05},
        **{"epsilon_episodes": max(1, int(0.8 * episodes))},
    }
    return replace(base, method=method, **(given if method == "q" else explores | given))


def _episodes(config: TrainConfig, model: TransitionModel) -> int:
    """Give the number of episodes that a run's steps make."""
    return -(-config.steps // model.horizon)
