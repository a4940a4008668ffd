"""A person steps an environment: what is legal is listed on the terminal, one line chooses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from PIL import Image

from segue.agents.demonstrations import play_greedy
from segue.agents.demonstrations.recording import choice_sizes
from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.action_names import Choice, choices_of

HELP = "number = choose, Enter = what earns most at once, ? = this, q = stop"

_COLUMNS = 96
"""Width of a list of choices."""

Say = Callable[[str], None]
Hear = Callable[[], str]


class Stopped(Exception):  # noqa: N818 (no error: the person has had enough)
    """The person has had enough."""


def say_on_stderr(text: str) -> None:
    """Print where people look and data do not go."""
    print(text, file=sys.stderr, flush=True)


class Desk(gym.Wrapper[Any, Any, Any, Any]):
    """Tells a person how the episode goes, in words and as a picture that is always the latest.

    Parameters
    ----------
    env : gymnasium.Env
        With ``render_mode="rgb_array"``, or without pictures.
    picture : Path
        File of the picture.
    say : callable
        Told each line of text.
    """

    def __init__(self, env: gym.Env[Any, Any], picture: Path, say: Say = say_on_stderr) -> None:
        super().__init__(env)
        self._picture, self._say = picture, say
        self._total, self._steps = 0.0, 0
        self._shows = env.render_mode == "rgb_array"

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        result = super().reset(seed=seed, options=options)
        self._total, self._steps = 0.0, 0
        self._show()
        where = f"; {self._picture} shows it" if self._shows else ""
        self._say(f"\nA new episode begins{where}. {HELP}.")
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take an action, and tell what it earned."""
        observation, reward, terminated, truncated, info = super().step(action)
        self._steps += 1
        self._total += float(reward)
        terms = info.get("reward_terms", {})
        told = ", ".join(f"{name} {value:+.3f}" for name, value in terms.items() if value)
        self._say(
            f"step {self._steps}: reward {float(reward):+.3f}{f' ({told})' if told else ''}, "
            f"return {self._total:+.3f}"
        )
        self._show()
        if terminated or truncated:
            self._say(f"The episode is over: return {self._total:.3f} in {self._steps} steps.")
        return observation, reward, terminated, truncated, info

    def _show(self) -> None:
        """Write the picture; a stranger without its drawing library goes on without."""
        if not self._shows:
            return
        try:
            picture = self.env.render()
        except (gym.error.Error, ImportError) as error:
            self._say(f"There is no picture ({error}).")
            self._shows = False
            return
        with atomic_path(self._picture) as temporary:
            Image.fromarray(np.asarray(picture, np.uint8)).save(temporary)


class Person:
    """A player whose actions are typed, a line for each part.

    Parameters
    ----------
    hear : callable
        Gives the next line with its end, and nothing where there are no more.
    say : callable
        Told each line of text.
    """

    def __init__(self, hear: Hear | None = None, say: Say = say_on_stderr) -> None:
        self._hear, self._say = hear or sys.stdin.readline, say

    def __call__(
        self, env: gym.Env[Any, Any], observation: Any, mask: npt.NDArray[np.bool_] | None
    ) -> Any:
        """Ask for an action.

        Raises
        ------
        Stopped
            When the person stops, or there are no more lines.
        """
        sizes = choice_sizes(env.action_space)
        legal = np.split(np.ones(sum(sizes), bool) if mask is None else mask, np.cumsum(sizes)[:-1])
        chosen = [
            self._ask(env, part, choice, np.flatnonzero(legal[part]).tolist())
            for part, choice in enumerate(choices_of(env))
        ]
        if isinstance(env.action_space, gym.spaces.Discrete):
            return chosen[0] + int(env.action_space.start)
        return np.array(chosen, np.int64)

    def _ask(self, env: gym.Env[Any, Any], part: int, choice: Choice, legal: list[int]) -> int:
        """Ask for one part, again and again until the answer is legal."""
        if len(legal) == 1:
            self._say(f"{choice.name}: {choice.names[legal[0]]}, the only one that is legal")
            return legal[0]
        self._say(_listed(choice, legal))
        while True:
            self._say(f"{choice.name}?")
            line = self._hear()
            word = line.strip().lower()
            if not line or word == "q":
                raise Stopped
            if word == "?":
                self._say(f"{HELP}\n{_listed(choice, legal)}")
            elif not word:
                suggested = _suggested(env, part)
                if suggested in legal:
                    self._say(f"{choice.name}: {choice.names[suggested]}")
                    return suggested
                self._say("Nothing is suggested here; type a number.")
            elif word.isdecimal() and len(word) < 10 and int(word) in legal:
                return int(word)
            else:
                self._say(f"{word[:20]!r} is none of them; {HELP}.")


def _suggested(env: gym.Env[Any, Any], part: int) -> int:
    """What earns most at once, as the number of a choice; -1 where nobody can tell."""
    try:
        action = np.atleast_1d(play_greedy(env, None, None))
    except SegueError:
        return -1
    return int(action[part])


def _listed(choice: Choice, legal: list[int]) -> str:
    """The legal choices with their numbers, in columns."""
    cells = [
        f"{number}" if choice.names[number] == f"{number}" else f"{number} {choice.names[number]}"
        for number in legal
    ]
    width = max(map(len, cells)) + 2
    across = max(_COLUMNS // width, 1)
    rows = [cells[begin : begin + across] for begin in range(0, len(cells), across)]
    return "\n".join("  " + "".join(cell.ljust(width) for cell in row).rstrip() for row in rows)
