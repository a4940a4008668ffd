"""Generative adversarial imitation learning on PPO and MaskablePPO.

The agent is paid for decisions that a discriminator takes for demonstrated ones, while the
discriminator learns to tell the two apart (Ho & Ermon 2016). What the environment pays is logged
and never learnt from.

Every episode must have the same number of decisions. Where the agent can end an episode, a reward
that is positive throughout teaches it to go on and one that is negative to stop, whatever was
demonstrated (Kostrikov et al. 2019); with a fixed horizon a constant added to all rewards changes
nothing. The reward may therefore be the discriminator's logit, ``log D - log(1 - D)`` (Fu, Luo &
Levine 2018), which saturates neither for very bad decisions, as ``-log(1 - D)`` does, nor for very
good ones, as ``log D`` does. It is centred, and divided by its deviation where that exceeds 1, so
that the critic need not follow the discriminator's growing confidence.

Where few demonstrations meet many situations, a discriminator soon tells the two apart by the
situations, which the agent did not choose, and says little of the decisions. Cloning says more of
these. So the agent begins as a clone of the demonstrator, and how likely its decisions are to the
clone is a part of the reward. The demonstrator's decisions have the greatest such reward where they
were shown (Watson, Huang & Heess 2023, coherent soft imitation), elsewhere it is the prior from
which the discriminator may draw the agent (as in KL control: Jaques et al. 2017).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import obs_as_tensor
from stable_baselines3.common.vec_env import VecEnv
from torch.nn.functional import mse_loss

from segue.agents.deep.cloning import clone, log_likelihood, log_likelihoods
from segue.agents.deep.discriminator import Discriminator
from segue.agents.demonstrations.episode import Decisions, Episode, Observations, decisions_of
from segue.agents.demonstrations.fit import check_fit
from segue.envs.base.errors import SegueError

_CLONE_BATCH = 256
_CLONE_WEIGHT_DECAY = 0.1


class AdversarialImitation(OnPolicyAlgorithm):
    """What GAIL adds to an agent that learns from rollouts by clipped updates.

    Give it episodes with `demonstrate` before ``learn``.

    Parameters
    ----------
    *args, **kwargs
        Of PPO or MaskablePPO.
    clone_epochs : int
        Passes over the demonstrations that the policy imitates before its first rollout; 0 begins
        from chance, without a clone. Many teach it the demonstrations by heart.
    clone_weight : float
        What a nat of the clone's log-likelihood is worth, in deviations of the discriminator's
        reward; 0 leaves it out.
    critic_rollouts : int
        First rollouts that teach the discriminator and the critic alone. Untaught ones would have
        the policy forget what it has imitated.
    discriminator_updates : int
        Of the discriminator after each rollout, before it judges it.
    discriminator_batch_size : int
        Decisions of either kind in each.
    discriminator_learning_rate : float
        Of Adam.
    discriminator_dropout : float
        Chance that a number of an observation is left out while it learns, 0 to below 1.

    Raises
    ------
    SegueError
        For spaces that the discriminator cannot read.

    Attributes
    ----------
    discriminator : Discriminator
        Judges decisions.
    """

    def __init__(
        self,
        *args: Any,
        clone_epochs: int = 100,
        clone_weight: float = 2.0,
        critic_rollouts: int = 2,
        discriminator_updates: int = 16,
        discriminator_batch_size: int = 512,
        discriminator_learning_rate: float = 1e-3,
        discriminator_dropout: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.clone_epochs, self.clone_weight = clone_epochs, clone_weight
        self.critic_rollouts = critic_rollouts
        self.discriminator_updates = discriminator_updates
        self.discriminator_batch_size = discriminator_batch_size
        self.discriminator = Discriminator(
            self.observation_space,
            self.action_space,
            learning_rate=discriminator_learning_rate,
            dropout=discriminator_dropout,
            seed=self.seed,
        )
        self._demonstrated: Decisions | None = None
        self._horizon = 0
        self._rollouts = 0
        self._clone: BasePolicy | None = None

    def demonstrate(self, episodes: Sequence[Episode]) -> None:
        """Say what to imitate, in place of what was said before.

        Parameters
        ----------
        episodes : sequence of Episode
            Of an environment like the agent's; observations as it gives them.

        Raises
        ------
        SegueError
            If there are none, they are not of one length, or do not fit the agent's spaces.
        """
        decisions = decisions_of(episodes)
        lengths = {len(episode) for episode in episodes}
        if len(lengths) > 1:
            raise SegueError(
                f"The demonstrations have {min(lengths)} to {max(lengths)} decisions, but GAIL "
                "needs a fixed horizon (its reward would else favour long or short episodes "
                "whatever was shown); give episodes of one length, or choose bc."
            )
        check_fit(decisions, self.observation_space, self.action_space)
        self._demonstrated, self._horizon = decisions, lengths.pop()

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: RolloutBuffer,
        n_rollout_steps: int,
        *args: Any,
    ) -> bool:
        """Collect a rollout, let the discriminator learn from it and pay for it."""
        shown = self._shown()
        if self.clone_epochs and self._clone is None:
            clone(
                self,
                shown,
                epochs=self.clone_epochs,
                batch_size=_CLONE_BATCH,
                weight_decay=_CLONE_WEIGHT_DECAY,
                seed=self.seed or 0,
            )
            self._clone = self._same_policy()
            self._clone.load_state_dict(self.policy.state_dict())
        if not super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps, *args):
            return False
        self._check_horizon()
        self._rollouts += 1
        made = _decisions_in(rollout_buffer)
        loss, accuracy = self.discriminator.learn(
            shown, made, self.discriminator_updates, self.discriminator_batch_size
        )
        self.logger.record("discriminator/loss", loss)
        self.logger.record("discriminator/accuracy", accuracy)
        rollout_buffer.rewards[:] = self._paid(made).reshape(rollout_buffer.rewards.shape)
        seen = obs_as_tensor(self._last_obs, self.device)  # type: ignore[arg-type]
        with torch.no_grad():
            last = self.policy.predict_values(seen)
        ended = np.asarray(self._last_episode_starts)
        rollout_buffer.compute_returns_and_advantage(last_values=last, dones=ended)
        return True

    def train(self) -> None:
        """Learn from the rollout: at first the critic alone, then the policy too."""
        if self._rollouts <= self.critic_rollouts:
            self._train_critic()
            return
        super().train()

    def own_state(self) -> dict[str, Any]:
        """Give what an exact continuation needs beyond what PPO's does."""
        shown = self._demonstrated
        return {
            "demonstrated": None if shown is None else dict(vars(shown)),
            "horizon": self._horizon,
            "rollouts": self._rollouts,
            "clone": None if self._clone is None else dict(self._clone.state_dict()),
            "discriminator": self.discriminator.state_dict(),
        }

    def load_own_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `own_state` gave."""
        self._demonstrated = None
        if state["demonstrated"] is not None:
            shown = Decisions(**state["demonstrated"])
            check_fit(shown, self.observation_space, self.action_space)
            self._demonstrated = shown
        self._horizon = state["horizon"]
        self._rollouts = state["rollouts"]
        self._clone = None
        if state["clone"] is not None:
            self._clone = self._same_policy()
            self._clone.load_state_dict(state["clone"])
        self.discriminator.load_state_dict(state["discriminator"])

    def _same_policy(self) -> BasePolicy:
        """Make a policy like the agent's, with other weights."""
        make: Any = self.policy_class
        policy = make(
            self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs
        )
        assert isinstance(policy, BasePolicy)
        return policy.to(self.device)

    def _shown(self) -> Decisions:
        if self._demonstrated is None:
            raise SegueError(
                "GAIL has nothing to imitate; call demonstrate(episodes) before learn."
            )
        return self._demonstrated

    def _check_horizon(self) -> None:
        for episode in self.ep_info_buffer or ():
            if episode["l"] != self._horizon:
                raise SegueError(
                    f"An episode of the agent ended after {episode['l']} decisions and the "
                    f"demonstrations have {self._horizon}, but GAIL needs a fixed horizon; "
                    "use an environment whose episodes all have one length, or choose bc."
                )

    def _paid(self, made: Decisions) -> npt.NDArray[np.float32]:
        """Rewards of decisions, (n,)."""
        judged = scaled(self.discriminator.logits(made))
        if self._clone is None or not self.clone_weight:
            return judged
        return scaled(judged + np.float32(self.clone_weight) * log_likelihoods(self._clone, made))

    def _train_critic(self) -> None:
        """Teach the critic the returns, without what the actor uses."""
        critic = self._critic_parameters()
        self._update_learning_rate(self.policy.optimizer)
        self.policy.set_training_mode(True)
        settings: Any = self
        losses = []
        for _ in range(settings.n_epochs):
            for part in self.rollout_buffer.get(settings.batch_size):
                values = self.policy.predict_values(part.observations).flatten()
                loss = mse_loss(values, part.returns)
                self._step(loss, critic)
                losses.append(loss.item())
        self.logger.record("train/value_loss", float(np.mean(losses)))

    def _step(self, loss: torch.Tensor, parameters: list[torch.nn.Parameter]) -> None:
        """Let the policy's optimiser change these parameters, and no others."""
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        self.policy.optimizer.zero_grad()
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.grad = slope
        torch.nn.utils.clip_grad_norm_(parameters, self.max_grad_norm)
        self.policy.optimizer.step()

    def _critic_parameters(self) -> list[torch.nn.Parameter]:
        """Those that the likelihood of an action does not depend on."""
        likelihood = log_likelihood(self.policy, self._shown(), np.arange(1)).sum()
        parameters = list(self.policy.parameters())
        slopes = torch.autograd.grad(likelihood, parameters, allow_unused=True)
        return [p for p, slope in zip(parameters, slopes, strict=True) if slope is None]


def _signature(base: type[OnPolicyAlgorithm]) -> inspect.Signature:
    """Arguments of a class and those that GAIL adds, so that both are told of by name."""
    added = inspect.signature(AdversarialImitation.__init__).parameters.values()
    own = [one for one in added if one.kind is inspect.Parameter.KEYWORD_ONLY]
    return inspect.Signature([*inspect.signature(base).parameters.values(), *own])


class GAIL(AdversarialImitation, PPO):
    """GAIL on `stable_baselines3.PPO`."""

    __signature__: ClassVar[inspect.Signature] = _signature(PPO)


class MaskableGAIL(AdversarialImitation, MaskablePPO):
    """GAIL on `sb3_contrib.MaskablePPO`: masked actions are never taken."""

    __signature__: ClassVar[inspect.Signature] = _signature(MaskablePPO)


def scaled(rewards: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rewards with mean 0 and a standard deviation of 1 at most."""
    return np.asarray((rewards - rewards.mean()) / max(float(rewards.std()), 1.0), np.float32)


def _decisions_in(buffer: RolloutBuffer) -> Decisions:
    """Decisions of a rollout of s steps in n environments, one after the other (s * n, ...)."""
    seen: Any = buffer.observations

    def flat(values: npt.NDArray[Any], shape: tuple[int, ...] = ()) -> npt.NDArray[Any]:
        return values.reshape(buffer.rewards.size, *(shape or values.shape[2:]))

    rows: Observations = (
        {k: flat(x) for k, x in seen.items()} if isinstance(seen, dict) else flat(seen)
    )
    masks = getattr(buffer, "action_masks", None)
    actions = flat(buffer.actions).astype(np.int64)
    if isinstance(buffer.action_space, spaces.Discrete):
        actions = actions[:, 0]
    return Decisions(rows, actions, None if masks is None else flat(masks, (-1,)) > 0)


__all__ = ["GAIL", "AdversarialImitation", "MaskableGAIL", "scaled"]
