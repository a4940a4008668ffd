"""DQN that never takes an illegal action, nor expects to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import DQN
from stable_baselines3.common.type_aliases import PyTorchObs
from stable_baselines3.dqn.policies import DQNPolicy
from torch.nn.functional import smooth_l1_loss

from segue.agents.deep.integer_policy import as_box, with_extractor
from segue.agents.deep.transitions import Ahead, BoolArray, Transitions
from segue.agents.demonstrations.episode import Observations
from segue.envs.base.errors import SegueError


class IntegerQPolicy(DQNPolicy):
    """Values of actions on an `IntegerExtractor`; ``"integers"`` in `build`.

    The arguments are those of `IntegerPolicy`, where ``net_arch`` is a list of widths.
    """

    def __init__(self, observation_space: spaces.Space[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(as_box(observation_space), *args, **with_extractor(kwargs))


class MaskedDQN(DQN):
    """Stable-Baselines3's DQN, which heeds action masks where the environment has them.

    Without masks it is that DQN, bit for bit. With masks it explores among legal actions only,
    each environment for itself; its greedy choice is the best legal one; and its targets are
    those of DQN (Mnih et al. 2015) with the maximum over what is legal after the transition. Where
    an episode was cut off and nobody says what would be legal, the last transition is not learnt
    from.

    The arguments are those of ``stable_baselines3.DQN``. Its replay, though, is one of segue's
    where there are masks, so that arguments about the replay other than `buffer_size` and
    `n_steps` are refused there.
    """

    replay: Transitions | None
    """What is replayed, where there are masks; else `replay_buffer` has it."""

    def _setup_model(self) -> None:
        self.masked = self.env is not None and is_masking_supported(self.env)
        self.replay = None
        self._legal: BoolArray | None = None
        if not self._has_own_replay():
            super()._setup_model()
            return
        usual = self.replay_buffer_class is None and not self.optimize_memory_usage
        if not usual or self._vec_normalize_env is not None:
            raise SegueError(
                f"{type(self).__name__} keeps transitions itself here; leave out "
                "replay_buffer_class, optimize_memory_usage and VecNormalize."
            )
        # Stable-Baselines3's replay would only take room.
        size, self.buffer_size = self.buffer_size, 1
        super()._setup_model()
        self.buffer_size, self.replay_buffer = size, None
        self._generator = np.random.default_rng(self.seed)
        self._make_replay()

    def _has_own_replay(self) -> bool:
        return self.masked

    def _make_replay(self) -> None:
        self.replay = self._empty_replay()

    def _empty_replay(self, *arguments: Any) -> Transitions:
        assert isinstance(self.action_space, spaces.Discrete)
        n_actions = int(self.action_space.n)
        return Transitions(
            self.buffer_size,
            self.observation_space,
            n_actions,
            self.n_envs,
            self.masked,
            *arguments,
        )

    def predict(
        self,
        observation: Observations,
        state: tuple[npt.NDArray[Any], ...] | None = None,
        episode_start: npt.NDArray[Any] | None = None,
        deterministic: bool = False,
        action_masks: npt.NDArray[Any] | None = None,
    ) -> tuple[npt.NDArray[Any], tuple[npt.NDArray[Any], ...] | None]:
        """Choose actions.

        Parameters
        ----------
        observation : ndarray (n, ...) or dict of them, or one observation
            What is seen.
        state, episode_start
            Given on and not used.
        deterministic : bool
            False chooses by chance at the present `exploration_rate`.
        action_masks : ndarray (n, m) or None
            What is legal; None takes everything for legal.

        Returns
        -------
        actions : ndarray (n,) int64, or () for one observation
        state
        """
        if action_masks is None:
            return super().predict(observation, state, episode_start, deterministic)
        self.policy.set_training_mode(False)
        seen, vectorised = self.policy.obs_to_tensor(observation)
        with torch.no_grad():
            values = self.q_net(seen).cpu().numpy()
        legal = np.reshape(np.asarray(action_masks, np.bool_), values.shape)
        actions = np.where(legal, values, -np.inf).argmax(axis=1)
        if not deterministic:
            explores = self._generator.random(len(actions)) < self.exploration_rate
            actions = np.where(explores, self._any_legal(legal), actions)
        return (actions if vectorised else actions.squeeze(axis=0)), state

    def _any_legal(self, legal: BoolArray) -> npt.NDArray[np.int64]:
        """Draw a legal action a row, all as likely."""
        numbers = np.where(legal, self._generator.random(legal.shape), -1.0)
        drawn: npt.NDArray[np.int64] = numbers.argmax(axis=1)
        return drawn

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        if not self.masked:
            return super()._sample_action(learning_starts, action_noise, n_envs)
        assert self.env is not None
        assert self._last_obs is not None
        self._legal = get_action_masks(self.env)
        if self.num_timesteps < learning_starts:
            actions = self._any_legal(self._legal)
        else:
            actions, _ = self.predict(self._last_obs, action_masks=self._legal)
        return actions, actions

    def _store_transition(
        self,
        replay_buffer: Any,
        buffer_action: npt.NDArray[Any],
        new_obs: Any,
        reward: npt.NDArray[Any],
        dones: npt.NDArray[Any],
        infos: list[dict[str, Any]],
    ) -> None:
        if self.replay is None:
            super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)
            return
        after, truncated = _copy(new_obs), np.zeros(len(dones), np.bool_)
        for index in np.flatnonzero(dones):
            truncated[index] = infos[index].get("TimeLimit.truncated", False)
            last = infos[index]["terminal_observation"]
            for key in after if isinstance(after, dict) else ():
                after[key][index] = last[key]
            if not isinstance(after, dict):
                after[index] = last
        masks = None
        if self._legal is not None:
            assert self.env is not None
            masks = self._legal, get_action_masks(self.env)
        assert self._last_obs is not None
        done = np.asarray(dones, np.bool_)
        self._keep(self._last_obs, buffer_action, reward, after, done, truncated, masks)
        self._last_obs = new_obs

    def _keep(self, *transition: Any) -> None:
        assert self.replay is not None
        self.replay.add(*transition)

    def _setup_learn(
        self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *a: Any
    ) -> Any:
        if self.replay is not None and (reset_num_timesteps or self._last_obs is None):
            self.replay.cut()
        return super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *a)

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Make some updates."""
        if self.replay is None:
            super().train(gradient_steps, batch_size)
            return
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses = [self._update(batch_size) for _ in range(gradient_steps)]
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", np.mean(losses))

    def _update(self, batch_size: int) -> float:
        """Learn from transitions drawn evenly, and give the loss."""
        assert self.replay is not None
        rows = self._generator.integers(len(self.replay), size=batch_size)
        ahead = self.replay.ahead(rows, self.n_steps, self.gamma)
        with torch.no_grad():
            values = legal_values(self.q_net_target(self._tensors(ahead.observations)), ahead.masks)
            target = self._target(ahead, self._worth(values, ahead.observations))
        values = self.q_net(self._tensors(self.replay.seen(rows)))
        actions = torch.as_tensor(self.replay.actions(rows), device=self.device)
        chosen = values.gather(1, actions[:, None]).squeeze(1)
        known = torch.as_tensor(ahead.known, device=self.device)
        return self._descend((self._losses(chosen, target) * known).mean())

    def _worth(self, values: torch.Tensor, seen: Observations) -> torch.Tensor:
        """What situations are worth (b,) by the values (b, m) of the actions in them."""
        return values.amax(dim=1)

    def _target(self, ahead: Ahead, values: torch.Tensor) -> torch.Tensor:
        """What transitions should be worth (b,), `values` (b,) being the worth of what followed."""
        rewards = torch.as_tensor(ahead.rewards, device=self.device)
        return rewards + torch.as_tensor(ahead.discounts, device=self.device) * values

    def _losses(self, values: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """What the error of each value counts."""
        return smooth_l1_loss(values, targets, reduction="none")

    def _descend(self, loss: torch.Tensor) -> float:
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        return loss.item()

    def _tensors(self, seen: Observations) -> PyTorchObs:
        if isinstance(seen, Mapping):
            return {key: torch.as_tensor(part, device=self.device) for key, part in seen.items()}
        return torch.as_tensor(seen, device=self.device)

    def own_state(self) -> dict[str, Any]:
        """Give what an exact continuation needs beside what Stable-Baselines3's DQN has."""
        if self.replay is None:
            return {}
        return {
            "generator": self._generator.bit_generator.state,
            "replay": self.replay.state(),
        }

    def load_own_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `own_state` gave."""
        if self.replay is not None:
            self._generator.bit_generator.state = state["generator"]
            self.replay.load_state(state["replay"])


def legal_values(values: torch.Tensor, legal: BoolArray | None) -> torch.Tensor:
    """Values (b, m) with minus infinity where an action is illegal."""
    if legal is None:
        return values
    return values.masked_fill(torch.as_tensor(~legal, device=values.device), -torch.inf)


def _copy(seen: Any) -> Any:
    """Copy an observation, or a dict of them."""
    if isinstance(seen, dict):
        return {key: np.array(part) for key, part in seen.items()}
    return np.array(seen)


__all__ = ["IntegerQPolicy", "MaskedDQN", "legal_values"]
