"""What `segue train` writes for TensorBoard beside the curves: settings, episodes, results."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import load_env_creator

from segue.envs.base.errors import SegueError
from segue.experiments.board_charts import FRACTION, IMITATION, RETURN, charts_of
from segue.experiments.board_hparams import SECONDS, TEST_FRACTION, TEST_RETURN, settings_of
from segue.experiments.episode_board import EpisodeBoard
from segue.experiments.evaluation import Act
from segue.experiments.learning import make_env
from segue.experiments.manifest import MANIFEST, command_line, hide_home, read_manifest
from segue.experiments.run_folder import RunFolder
from segue.experiments.run_result import read_result
from segue.experiments.sweep_plan import VALIDATION_SEED, validation_options
from segue.experiments.tensorboard import POINTS, Board
from segue.experiments.train_config import IMITATORS, TABULAR, TrainConfig
from segue.experiments.train_result import TrainResult
from segue.experiments.typed_yaml import to_yaml


class RunBoard(Board):
    """The board of a training run.

    Parameters
    ----------
    config : TrainConfig
        The run.
    folder : RunFolder
        Where it lies.
    resumed : bool
        Whether another process has begun the run; what that wrote beyond `begun` is dropped.
    begun : int or None
        Steps of the checkpoint that it goes on from; None where it begins anew.
    learner : object
        The agent, which tells the hyperparameters that the settings leave to it.
    shown : bool
        Whether episodes are shown.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: RunFolder,
        resumed: bool,
        begun: int | None,
        learner: object,
        shown: bool = True,
    ) -> None:
        self._run, self._resumed = folder, resumed
        imitates = config.agent not in TABULAR and bool(
            config.agent in IMITATORS
            or config.demonstrations
            or config.expert_decisions
            or config.greedy_demonstrations
        )
        first = 0 if begun is None else begun + 1
        super().__init__(folder.path, first, charts_of(config.agent, imitates))
        self._first = first
        self.every = max(1, config.steps // POINTS)
        self._episodes: EpisodeBoard | None = None
        if shown:
            seed = config.seed if config.agent in TABULAR else VALIDATION_SEED
            without = config.agent in (*TABULAR, *IMITATORS)
            make, steps = _shown_env(config), config.steps
            self._episodes = EpisodeBoard(self, make, seed, steps, begun, without)
        if begun is None:
            self.text("run/settings", f"```\n{hide_home(to_yaml(config))}```", 0)
            with suppress(SegueError):
                command = command_line(read_manifest(folder.path / MANIFEST)["command"])
                self.text("run/command", f"```\n{shlex.join(command)}\n```", 0)
            self.hparams(settings_of(vars(config), learner))

    def look(self, step: int, act: Act) -> None:
        """Show an episode if it is time to; see `EpisodeBoard.look`."""
        if self._episodes is not None:
            self._episodes.look(step, act)

    def end(self, result: TrainResult, act: Act) -> None:
        """Write what came of the run, unless a process before has.

        Parameters
        ----------
        result : TrainResult
            Of the trained agent.
        act : callable
            Its policy.
        """
        step = result.steps
        with suppress(SegueError):
            if self._resumed and read_result(self._run.path).steps == step:
                return
        # A level line, from where this process began: an earlier one has drawn its own part.
        lines = {f"{RETURN}/{other.name}": other.mean for other in result.others}
        if result.bounds is not None:
            name = "optimum" if result.bounds.exact else "bound"
            lines[f"{RETURN}/{name}"] = result.bounds.mean
        for at in sorted({min(self._first, step), step}):
            self.scalars(at, lines)
        self.scalars(step, {f"{RETURN}/test": result.evaluation.mean})
        shares = {f"{IMITATION}/agreement/{name}": v for name, v in result.agreement.items()}
        self.scalars(step, shares)
        metrics = {TEST_RETURN: result.evaluation.mean, SECONDS: result.seconds}
        if result.fraction is not None:
            self.scalars(step, {FRACTION: result.fraction})
            metrics[TEST_FRACTION] = result.fraction
        self.results(metrics, step)
        if self._episodes is not None:
            self._episodes.end(step, act)


def _shown_env(config: TrainConfig) -> Callable[[], gym.Env[Any, Any]]:
    """Give what makes the environment of the shown episode: a table's own, else validation's."""
    tested = config.test_options if config.agent in TABULAR else validation_options(config)

    def make() -> gym.Env[Any, Any]:
        module, _, name = config.env.rpartition(":")
        options: dict[str, Any] = {**config.env_options, **tested}
        if module:
            import_module(module)  # It registers the environment.
        creator: Any = gym.spec(name).entry_point
        creator = load_env_creator(creator) if isinstance(creator, str) else creator
        if "rgb_array" in (getattr(creator, "metadata", None) or {}).get("render_modes", ()):
            options["render_mode"] = "rgb_array"
        return make_env(config.env, options)

    return make


__all__ = ["RunBoard"]
