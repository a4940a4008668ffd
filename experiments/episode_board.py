"""An episode of the policy at a few moments of training, on TensorBoard.

It is played in an environment of its own with the policy's likeliest actions, and no random
generator stands otherwise afterwards, so that training goes on as if nobody had looked.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import torch

from segue.experiments.evaluation import Act
from segue.experiments.tensorboard import ANIMATION_FRAMES, FRACTION, Board

MOMENTS = 5
"""Episodes shown until training ends, the first before it; one more when it has ended."""
LONGEST = 1_000
"""Decisions of an episode that are shown."""
SHARE = 0.04
"""Of the time since training began that looking at episodes may take. An episode waits for that,
and those of the moments that pass meanwhile are left out; the last one is always shown."""
FIRST_GUESS = 1.0
"""Seconds that showing an episode is thought to take, before one has been shown."""
SIDE = 480
"""Longest side of the animation, in pixels."""
_FPS = 4.0


@dataclass(frozen=True)
class _Played:
    """An episode: the step of training, its actions, return and the sums of its terms."""

    step: int
    actions: list[Any]
    total: float
    terms: Mapping[str, float]
    over: bool


class EpisodeBoard:
    """Shows episodes of one seed while an agent learns.

    Parameters
    ----------
    board : Board
        Gets them.
    make : callable
        Makes the environment, with ``render_mode="rgb_array"`` where there is anything to see.
    seed : int
        Of the episode, none of the test.
    steps : int
        Of training in all.
    begun : int or None
        Steps that an interrupted run has made, whose episodes were shown; None for a new run.
    with_terms : bool
        Whether the episode's reward terms are the run's curves of them, for agents that tell none.
    share : float or None
        In place of `SHARE`.
    """

    def __init__(
        self,
        board: Board,
        make: Callable[[], gym.Env[Any, Any]],
        seed: int,
        steps: int,
        begun: int | None,
        with_terms: bool,
        share: float | None = None,
    ) -> None:
        self._board, self._make, self._seed = board, make, seed
        self._with_terms, self._share = with_terms, SHARE if share is None else share
        moments = [number * steps // MOMENTS for number in range(MOMENTS)]
        self._due = [moment for moment in moments if begun is None or moment > begun]
        self._env: gym.Env[Any, Any] | None = None
        self._waiting: _Played | None = None
        self._failed = False
        self._began = time.perf_counter()
        self._spent, self._playing, self._showing = 0.0, 0.0, FIRST_GUESS

    @property
    def seconds(self) -> float:
        """Time that it has taken so far."""
        return self._spent

    def look(self, step: int, act: Act) -> None:
        """Between two rollouts: play an episode if it is time to, and show one if there is time."""
        if self._due and step >= self._due[0]:
            self._due = [moment for moment in self._due if moment > step]
            # One that waits goes first: what an agent did untrained tells most beside the last.
            if self._waiting is None and self._affords(self._playing):
                self._play(step, act)
        if self._waiting is not None and self._affords(self._showing):
            self._show()

    def end(self, step: int, act: Act) -> None:
        """Show an episode of the trained agent."""
        self._play(step, act)
        if self._waiting is not None:
            self._show()
        if self._env is not None:
            self._env.close()

    def _affords(self, seconds: float) -> bool:
        return self._spent + seconds <= self._share * (time.perf_counter() - self._began)

    def _play(self, step: int, act: Act) -> None:
        if self._failed:
            return
        began = time.perf_counter()
        with self._shielded(step):
            self._env = self._env or self._make()
            self._waiting = _play(self._env, act, self._seed, step)
        self._playing = time.perf_counter() - began
        self._spent += self._playing

    def _show(self) -> None:
        played = self._waiting
        assert self._env is not None
        assert played is not None
        # Imported late: it loads what engraves and plays music.
        from segue.experiments.episode_media import episode_media

        began = time.perf_counter()
        self._waiting = media = None
        with self._shielded(played.step):
            media = episode_media(self._env, played.actions, self._seed, ANIMATION_FRAMES)
            words = _words(self._env, played, media.brief)
            counts = action_counts(self._env, played.actions)
            bound = _bound(self._env) if played.over else None
        if media is not None:
            step, board = played.step, self._board
            board.text("episode/brief", words, step)
            for name, taken in counts.items():
                board.histogram(f"actions/{name}", taken, step)
            if self._with_terms:
                board.terms(step, played.terms)
            # Below 0 it tells nothing, and would press the rest of its chart flat.
            if bound is not None and bound > 0 and played.total >= 0:
                board.scalars(step, {f"{FRACTION}/shown_episode": played.total / bound})
            if media.picture is not None:
                board.picture("episode/picture", media.picture, step)
                board.animation("episode/played", media.frames, step, _FPS, SIDE)
            if media.score is not None:
                board.picture("episode/score", media.score, step)
            if media.sound is not None:
                board.wave("episode/sound", media.sound, media.rate, step)
        self._showing = time.perf_counter() - began
        self._spent += self._showing

    @contextmanager
    def _shielded(self, step: int) -> Iterator[None]:
        """Leave random generators as they were, and let no failure of a picture end a run."""
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            yield
        except Exception as error:
            self._failed = True
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            self._board.text("episode/brief", f"No episode can be shown: {reason}", step)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])


def _play(env: gym.Env[Any, Any], act: Act, seed: int, step: int) -> _Played:
    observation, info = env.reset(seed=seed)
    actions: list[Any] = []
    total, over = 0.0, False
    terms = dict.fromkeys(info.get("reward_terms", {}), 0.0)
    while not over and len(actions) < LONGEST:
        actions.append(np.copy(act(env, observation, info)))
        observation, reward, terminated, truncated, info = env.step(_plain(actions[-1]))
        total += float(reward)
        for name, value in info.get("reward_terms", {}).items():
            terms[name] += value
        over = terminated or truncated
    return _Played(step, [_plain(action) for action in actions], total, terms, over)


def _plain(action: npt.NDArray[Any]) -> Any:
    return action if action.ndim else action.item()


def action_counts(
    env: gym.Env[Any, Any], actions: Sequence[Any]
) -> dict[str, npt.NDArray[np.int64]]:
    """Count how often each choice was taken.

    Parameters
    ----------
    env : gymnasium.Env
        In the episode.
    actions : sequence
        Taken in it.

    Returns
    -------
    dict of str to ndarray (n,) int64
        By part of the action; empty where actions are not discrete.
    """
    # Imported late: it loads all environments of segue.
    from segue.experiments.action_names import choices_of

    if not isinstance(env.action_space, gym.spaces.Discrete | gym.spaces.MultiDiscrete):
        return {}
    first = env.action_space.start
    rows = (np.array(actions) - np.asarray(first)).reshape(len(actions), -1)
    return {
        choice.name: np.bincount(rows[:, part], minlength=len(choice.names)).astype(np.int64)
        for part, choice in enumerate(choices_of(env))
    }


def _bound(env: gym.Env[Any, Any]) -> float | None:
    return float(env.get_wrapper_attr("bound")().value) if env.has_wrapper_attr("bound") else None


def _words(env: gym.Env[Any, Any], played: _Played, brief: str) -> str:
    """The brief, the return with its terms, and how often each choice was taken, by name."""
    from segue.experiments.action_names import choices_of

    length = len(played.actions)
    shown = f"{length:,} decisions" if played.over else f"first {length:,} decisions"
    lines = [brief, "", "| reward | value |", "| --- | --- |"]
    lines += [f"| **return** ({shown}) | **{played.total:.3f}** |"]
    # Adding up has left crumbs in terms that came to nothing.
    lines += [f"| {name} | {v:.3f} |" for name, v in played.terms.items() if abs(v) > 1e-9]
    counts = action_counts(env, played.actions)
    for choice in choices_of(env) if counts else ():
        taken = counts[choice.name]
        lines += ["", f"| {choice.name} | taken |", "| --- | --- |"]
        often = np.argsort(-taken, kind="stable")
        lines += [f"| {choice.names[k]} | {taken[k]} |" for k in often[:12] if taken[k]]
    return "\n".join(lines)


__all__ = ["EpisodeBoard", "action_counts"]
