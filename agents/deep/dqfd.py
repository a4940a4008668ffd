"""Deep Q-learning from demonstrations (DQfD: Hester et al. 2018).

First the network learns from the demonstrations alone: targets of one and of many steps, and a
margin by which the demonstrated action must beat every other legal one. Then it plays, and learns
from its own transitions mixed with the demonstrated ones, by priority; the margin holds on for
what was demonstrated. The demonstrations stay for ever.

As in the paper: double-Q targets (van Hasselt et al. 2016), proportional priorities whose
importance weights become exact at the end of training (Schaul et al. 2016), and a penalty on large
weights of the network. Unlike it: the Huber loss of Stable-Baselines3's DQN instead of the squared
one, and by default far fewer updates before playing than the 750,000 for an Atari game.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.type_aliases import GymEnv, TrainFrequencyUnit
from stable_baselines3.common.utils import polyak_update, update_learning_rate
from torch.nn.functional import smooth_l1_loss

from segue.agents.deep.masked_dqn import MaskedDQN, legal_values
from segue.agents.deep.prioritised_replay import Priorities
from segue.agents.demonstrations.episode import Episode
from segue.envs.base.errors import SegueError


@dataclass(frozen=True)
class DQfDSettings:
    """Settings of `DQfD` beside those of `MaskedDQN`; the paper's but for the first."""

    pretrain_updates: int = 10_000
    """Updates from demonstrations alone before the first step, from 0."""
    n_step: int = 10
    """Length of the long targets in steps, positive."""
    n_step_weight: float = 1.0
    """Weight of the error of the long targets beside that of one step, from 0."""
    margin: float = 0.8
    """How much better the demonstrated action must be, in units of reward, from 0."""
    margin_weight: float = 1.0
    """Weight of what is missing of that, from 0."""
    l2_weight: float = 1e-5
    """Weight of the sum of the network's squared weights, from 0."""
    priority_power: float = 0.4
    """Exponent of priorities, from 0; 0 = all transitions alike."""
    importance_power: float = 0.6
    """Exponent of the importance weights at first, in [0, 1]; it grows to 1."""
    demonstrated_bonus: float = 1.0
    """Added to the error of a demonstrated transition in its priority, positive."""
    own_bonus: float = 0.001
    """The same of an own transition, positive."""

    def __post_init__(self) -> None:
        for name in ("n_step", "demonstrated_bonus", "own_bonus"):
            self._require(name, getattr(self, name) > 0, "a positive number")
        for field in fields(self):
            self._require(field.name, getattr(self, field.name) >= 0, "a number from 0 on")
        self._require("importance_power", self.importance_power <= 1, "a value in [0, 1]")

    def _require(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise SegueError(f"{name} of DQfD is {getattr(self, name)!r}; give {wanted}.")


_OWN = tuple(field.name for field in fields(DQfDSettings))
_USUAL = {"learning_starts": 0, "exploration_initial_eps": 0.01, "exploration_final_eps": 0.01}
"""The paper's exploration: an agent that has seen how it is done need not try at random."""
_REFUSED = ("n_steps", "replay_buffer_class", "replay_buffer_kwargs", "optimize_memory_usage")


def _signature() -> inspect.Signature:
    """Arguments of `DQfD`: those of DQN that it heeds, and the fields of `DQfDSettings`."""
    inherited = [
        one.replace(default=_USUAL.get(name, one.default))
        for name, one in inspect.signature(DQN).parameters.items()
        if name not in _REFUSED
    ]
    own = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
        for field in fields(DQfDSettings)
    ]
    return inspect.Signature([*inherited, *own])


class DQfD(MaskedDQN):
    """Learns from demonstrations, then from its own steps beside them.

    Parameters
    ----------
    policy, env
        As of `MaskedDQN`.
    **hyperparameters
        Fields of `DQfDSettings`, and the keyword arguments of ``stable_baselines3.DQN`` but for
        those of the replay; exploration is 0.01 throughout unless given.

    Raises
    ------
    SegueError
        If a hyperparameter is unknown or out of its range.
    """

    __signature__: ClassVar[inspect.Signature] = _signature()

    def __init__(self, policy: Any, env: GymEnv | str, **hyperparameters: Any) -> None:
        for name in hyperparameters:
            if name not in self.__signature__.parameters:
                raise SegueError(f"DQfD has no hyperparameter {name!r}; leave it out.")
        own = {name: hyperparameters.pop(name) for name in _OWN if name in hyperparameters}
        self.settings = DQfDSettings(**own)
        self.pretrained = False
        """Whether the updates before the first step are made."""
        super().__init__(policy, env, **(_USUAL | hyperparameters))

    def _has_own_replay(self) -> bool:
        return True

    def _make_replay(self, episodes: Sequence[Episode] = ()) -> None:
        self.replay = self._empty_replay(episodes)
        self._priorities = Priorities(self.replay.n_rows, self.settings.priority_power)
        self._priorities.enter(np.arange(len(self.replay)))

    def demonstrate(self, episodes: Sequence[Episode]) -> None:
        """Show how it is done; once, before learning begins.

        Parameters
        ----------
        episodes : sequence of Episode
            Recorded on the environment that the agent learns in.

        Raises
        ------
        SegueError
            If there are none, if they do not fit the environment, or if learning has begun.
        """
        assert self.replay is not None
        if not episodes:
            raise SegueError("There are no demonstrations; record at least one episode.")
        if self.pretrained or len(self.replay) > self.replay.n_shown:
            raise SegueError("DQfD has begun to learn; show it demonstrations before.")
        self._make_replay(episodes)

    def pretrain(self, progress: Callable[[float, str], None] | None = None) -> None:
        """Learn from the demonstrations alone; ``learn`` begins with it, unless it was done.

        The target network follows as often as it does later, counted in updates.

        Parameters
        ----------
        progress : callable or None
            Called now and then with the share done and a text.

        Raises
        ------
        SegueError
            If nothing was demonstrated.
        """
        if self.pretrained:
            return
        assert self.replay is not None
        if not self.replay.n_shown:
            raise SegueError("DQfD has no demonstrations to learn from; give it some.")
        self.policy.set_training_mode(True)
        update_learning_rate(self.policy.optimizer, self.lr_schedule(1.0))
        count, every = self.settings.pretrain_updates, self._updates_between_targets()
        for update in range(1, count + 1):
            loss = self._update(self.batch_size)
            if update % every == 0 or update == count:
                polyak_update(self.q_net.parameters(), self.q_net_target.parameters(), self.tau)
                polyak_update(self.batch_norm_stats, self.batch_norm_stats_target, 1.0)
            if progress and update % 100 == 0:
                progress(update / count, f"learning from demonstrations, loss {loss:.3f}")
        self._n_updates += count
        self.pretrained = True

    def _updates_between_targets(self) -> int:
        """How many updates are made while the target network stays as it is."""
        frequency: Any = self.train_freq
        assert frequency.unit == TrainFrequencyUnit.STEP or self.n_envs == 1
        steps = frequency.frequency * self.n_envs
        updates = steps if self.gradient_steps < 0 else self.gradient_steps
        return max(1, int(self.target_update_interval * updates) // int(steps))

    def collect_rollouts(self, *arguments: Any, **keywords: Any) -> Any:
        """Step the environments, after having learnt from the demonstrations."""
        self.pretrain()
        return super().collect_rollouts(*arguments, **keywords)

    def _keep(self, *transition: Any) -> None:
        assert self.replay is not None
        self._priorities.enter(self.replay.add(*transition))

    def _update(self, batch_size: int) -> float:
        """Learn from transitions drawn by priority, and give the loss."""
        assert self.replay is not None
        settings, stored = self.settings, len(self.replay)
        rows = self._priorities.draw(batch_size, self._generator)
        left = self._current_progress_remaining if self.pretrained else 1.0
        exponent = 1.0 - (1.0 - settings.importance_power) * left
        weights = torch.as_tensor(self._priorities.weights(rows, stored, exponent))
        targets, known = self._double_targets(rows)
        values = self.q_net(self._tensors(self.replay.seen(rows)))
        actions = torch.as_tensor(self.replay.actions(rows), device=self.device)[:, None]
        chosen = values.gather(1, actions)
        apart = smooth_l1_loss(chosen.expand_as(targets), targets, reduction="none") * known
        shown = torch.as_tensor(rows < self.replay.n_shown, device=self.device)
        missing = self._missing_margin(values, actions, self.replay.masks(rows)) * shown
        losses = apart[:, 0] + settings.n_step_weight * apart[:, 1]
        losses = losses + settings.margin_weight * missing
        squares = torch.stack([weight.square().sum() for weight in self.q_net.parameters()])
        weighted = (losses * weights.to(self.device)).mean()
        loss = self._descend(weighted + settings.l2_weight * squares.sum())
        errors = ((chosen - targets) * known)[:, 0].detach().abs().cpu().double().numpy()
        self._set_priorities(rows, errors)
        return loss

    def _set_priorities(self, rows: npt.NDArray[np.int64], errors: npt.NDArray[np.float64]) -> None:
        assert self.replay is not None
        shown, settings = rows < self.replay.n_shown, self.settings
        bonus = np.where(shown, settings.demonstrated_bonus, settings.own_bonus)
        self._priorities.set(rows, errors + bonus)

    def _double_targets(self, rows: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Targets of one and of many steps (b, 2), and which of them are known (b, 2)."""
        assert self.replay is not None
        count = len(rows)
        steps = np.repeat([1, self.settings.n_step], count)
        ahead = self.replay.ahead(np.concatenate([rows, rows]), steps, self.gamma)
        with torch.no_grad():
            following = self._tensors(ahead.observations)
            best = legal_values(self.q_net(following), ahead.masks).argmax(dim=1, keepdim=True)
            target = self._target(ahead, self.q_net_target(following).gather(1, best).squeeze(1))
        known = torch.as_tensor(ahead.known, device=self.device)
        return target.reshape(2, count).T, known.reshape(2, count).T

    def _missing_margin(
        self, values: torch.Tensor, actions: torch.Tensor, legal: npt.NDArray[np.bool_] | None
    ) -> torch.Tensor:
        """How far actions (b, 1) are from being the best of `values` (b, m) by the margin (b,)."""
        margin = torch.full_like(values, self.settings.margin).scatter_(1, actions, 0.0)
        return (legal_values(values, legal) + margin).amax(dim=1) - values.gather(
            1, actions
        ).squeeze(1)

    def own_state(self) -> dict[str, Any]:
        """Give what an exact continuation needs beside what Stable-Baselines3's DQN has."""
        assert self.replay is not None
        own = {
            "priorities": self._priorities.state(len(self.replay)),
            "pretrained": self.pretrained,
        }
        return super().own_state() | own

    def load_own_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `own_state` gave, the demonstrations too."""
        super().load_own_state(state)
        assert self.replay is not None
        self._priorities = Priorities(self.replay.n_rows, self.settings.priority_power)
        self._priorities.load_state(state["priorities"])
        self.pretrained = state["pretrained"]


__all__ = ["DQfD", "DQfDSettings"]
