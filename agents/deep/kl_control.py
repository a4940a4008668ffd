"""KL control: agents that earn a reward without leaving a prior further than it is worth.

A prior ``p(a|s)`` says how likely each action is by itself, such as a sequence model's next token.
The best policy by the return ``sum of r + T log p(a|s) - T log pi(a|s)``, which is the reward less
`T` nats' worth of divergence from the prior, is a soft maximum, and can be learnt off the policy
(Jaques et al. 2017, *Sequence Tutor*), in two ways:

- Psi-learning (Rawlik et al. 2012): ``Psi = T log p + r + gamma T log sum exp(Psi' / T)`` and
  ``pi = softmax(Psi / T)``. The environment pays ``T log p`` as a part of the reward; the agent
  itself knows of no prior. Under a flat prior, and where nothing is paid for it, this is soft
  Q-learning (Haarnoja et al. 2017).
- G-learning (Fox et al. 2016): ``G = r + gamma T log sum p' exp(G' / T)`` and ``pi`` in proportion
  to ``p exp(G / T)``. The environment shows ``log p`` of all actions and pays nothing for it. The
  network learns only what is to be changed about the prior: as long as it gives zeros, the agent
  plays the prior, and so it begins.

``Psi = G + T log p``, so that both have the same best policy. As the temperature `T` falls to 0
both become Q-learning. Where actions are masked, the sums go over the legal ones.

What followed is looked at one step ahead: over more steps the divergence on the way would count,
which the replay does not know. Errors are squared, unlike in Stable-Baselines3's DQN: where chance
decides what follows an action, its value is a mean, which the Huber loss would miss.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.type_aliases import GymEnv, PyTorchObs
from stable_baselines3.dqn.policies import DQNPolicy

from segue.agents.deep.masked_dqn import MaskedDQN
from segue.agents.demonstrations.episode import Observations
from segue.envs.base.errors import SegueError

PRIOR = "prior_log_p"
"""Entry of the observation by which an environment shows the prior: `GLearning`."""

_USUAL = {"exploration_initial_eps": 0.0, "exploration_final_eps": 0.0}
"""The policy itself leaves nothing untried that the prior does not rule out."""


class PsiLearning(MaskedDQN):
    """Learns the soft optimum of the reward; ``psi-learning`` in `build`.

    Parameters
    ----------
    policy, env
        As of `MaskedDQN`.
    temperature : float
        What a nat of the policy's entropy is worth in units of reward, positive: the weight with
        which the environment pays ``log p``.
    **kwargs
        As of `MaskedDQN`; `n_steps` is 1. The share of actions by chance, beyond those of the
        policy, is 0 unless given. There are none by chance before `learning_starts`.

    Raises
    ------
    SegueError
        If the temperature is no positive number, or `n_steps` is not 1.
    """

    def __init__(
        self, policy: Any, env: GymEnv | str, temperature: float = 1.0, **kwargs: Any
    ) -> None:
        name = type(self).__name__
        if not (isinstance(temperature, int | float) and 0 < temperature < inf):
            raise SegueError(f"temperature of {name} is {temperature!r}; give a positive number.")
        if kwargs.get("n_steps", 1) != 1:
            raise SegueError(f"{name} looks one step ahead; leave n_steps out.")
        self.temperature = float(temperature)
        super().__init__(policy, env, **(_USUAL | kwargs))

    def _has_own_replay(self) -> bool:
        return True

    def predict(
        self,
        observation: Observations,
        state: tuple[npt.NDArray[Any], ...] | None = None,
        episode_start: npt.NDArray[Any] | None = None,
        deterministic: bool = False,
        action_masks: npt.NDArray[Any] | None = None,
    ) -> tuple[npt.NDArray[Any], tuple[npt.NDArray[Any], ...] | None]:
        """Draw actions from the policy, or take the likeliest ones.

        Parameters
        ----------
        observation : ndarray (n, ...) or dict of them, or one observation
            What is seen.
        state, episode_start
            Given on and not used.
        deterministic : bool
            True takes the likeliest.
        action_masks : ndarray (n, m) or None
            What is legal; None takes everything for legal.

        Returns
        -------
        actions : ndarray (n,) int64, or () for one observation
        state
        """
        self.policy.set_training_mode(False)
        seen, vectorised = self.policy.obs_to_tensor(self._told_network(observation))
        with torch.no_grad():
            logits = self._logits(self.q_net(seen), observation).cpu().numpy()
        legal = np.ones(logits.shape, np.bool_)
        if action_masks is not None:
            legal = np.reshape(np.asarray(action_masks, np.bool_), logits.shape)
        if not deterministic:
            # The greatest of the logits plus Gumbel noise is a draw from their softmax.
            logits = logits + self._generator.gumbel(size=logits.shape)
        actions = np.where(legal, logits, -np.inf).argmax(axis=1)
        if not deterministic:
            explores = self._generator.random(len(actions)) < self.exploration_rate
            actions = np.where(explores, self._any_legal(legal), actions)
        return (actions if vectorised else actions.squeeze(axis=0)), state

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        assert self.env is not None
        assert self._last_obs is not None
        self._legal = get_action_masks(self.env) if self.masked else None
        actions, _ = self.predict(cast("Any", self._last_obs), action_masks=self._legal)
        return actions, actions

    def _losses(self, values: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return 0.5 * (values - targets).square()

    def _worth(self, values: torch.Tensor, seen: Observations) -> torch.Tensor:
        return self.temperature * torch.logsumexp(self._logits(values, seen), dim=1)

    def _logits(self, values: torch.Tensor, seen: Observations) -> torch.Tensor:
        """Logits of the policy (b, m) by what the network says of the actions."""
        return values / self.temperature

    def _told_network(self, seen: Observations) -> Observations:
        """What the network is shown of an observation."""
        return seen


class GLearning(PsiLearning):
    """Learns what is to be changed about a prior; ``g-learning`` in `build`.

    Parameters
    ----------
    policy, env, temperature, **kwargs
        As of `PsiLearning`. The observations of `env` are dicts with an entry ``prior_log_p``, a
        Box (m,): finite log-probabilities of the m actions. The network sees all the rest.

    Raises
    ------
    SegueError
        If they are not, or a hyperparameter is out of its range.
    """

    def __init__(
        self, policy: Any, env: GymEnv | str, temperature: float = 1.0, **kwargs: Any
    ) -> None:
        make: Any = self._get_policy_from_name(policy) if isinstance(policy, str) else policy
        super().__init__(partial(_blind_policy, make), env, temperature, **kwargs)

    def _setup_model(self) -> None:
        assert isinstance(self.action_space, spaces.Discrete)
        without_prior(self.observation_space, int(self.action_space.n))
        super()._setup_model()
        for net in (self.q_net, self.q_net_target):
            last: Any = net.q_net[-1]
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.zeros_(last.bias)

    def _logits(self, values: torch.Tensor, seen: Observations) -> torch.Tensor:
        assert isinstance(seen, dict)
        prior = torch.as_tensor(seen[PRIOR], device=values.device)
        return prior.reshape(values.shape) + values / self.temperature

    def _told_network(self, seen: Observations) -> Observations:
        assert isinstance(seen, dict)
        rest = {key: part for key, part in seen.items() if key != PRIOR}
        return rest if len(rest) > 1 else next(iter(rest.values()))

    def _tensors(self, seen: Observations) -> PyTorchObs:
        return super()._tensors(self._told_network(seen))


def without_prior(space: spaces.Space[Any], n_actions: int | None = None) -> spaces.Space[Any]:
    """What is left of an observation space for the network of `GLearning`.

    Parameters
    ----------
    space : gymnasium.Space
        A `Dict` with `PRIOR` and something else.
    n_actions : int or None
        How many log-probabilities there must be; None for any number.

    Returns
    -------
    gymnasium.Space
        A `Dict` of the other entries; the entry itself if there is only one.

    Raises
    ------
    SegueError
        If the space is another one.
    """
    entries = dict(space.spaces) if isinstance(space, spaces.Dict) else {}
    prior = entries.pop(PRIOR, None)
    shape = prior.shape if isinstance(prior, spaces.Box) else ()
    if not entries or len(shape) != 1 or n_actions not in (None, shape[0]):
        raise SegueError(
            f"g-learning needs observations that show the prior, a Dict with {PRIOR!r}, the "
            "log-probability of each action, beside something else; choose psi-learning, or let "
            "the environment show it, such as by its option observation_mode=prior."
        )
    return spaces.Dict(entries) if len(entries) > 1 else next(iter(entries.values()))


def _blind_policy(
    make: type[DQNPolicy], space: spaces.Space[Any], *args: Any, **kwargs: Any
) -> DQNPolicy:
    """Make a policy that does not see the prior."""
    return make(without_prior(space), *args, **kwargs)


__all__ = ["PRIOR", "GLearning", "PsiLearning", "without_prior"]
