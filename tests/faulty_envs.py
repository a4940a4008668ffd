"""A sound little environment, and copies of it with one fault each, for `tests/test_check.py`."""

from __future__ import annotations

import os
import random
import time
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from segue.envs.base.task import Bound

LENGTH = 6


class Walk(gym.Env[Any, Any]):
    """Go left or right for `LENGTH` steps; right pays, the left edge is a wall."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "ansi"], "render_fps": 4}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, wide: int = 20) -> None:
        self.render_mode = render_mode
        self.wide = wide
        self.observation_space = spaces.Box(0.0, 1.0, (2,), np.float32)
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.time = self.draw(), 0
        return self.observe(), self.info(0.0, 0.0)

    def draw(self) -> int:
        return int(self.np_random.integers(0, 4))

    def step(self, action: Any) -> Any:
        legal = self.action_masks()[int(action)]
        move = (int(action) - 1) * int(legal)
        self.place += move
        self.time += 1
        going, cost = float(move), 0.0 if legal else -1.0
        over = self.time >= LENGTH
        return self.observe(), going + cost, over, False, self.info(going, cost)

    def observe(self) -> Any:
        return np.array([self.place / self.wide, self.time / LENGTH], np.float32)

    def action_masks(self) -> Any:
        return np.array([self.place > 0, True, True])

    def info(self, going: float, cost: float) -> dict[str, Any]:
        mask = self.action_masks().astype(np.int8)
        return {"action_mask": mask, "reward_terms": {"going": going, "cost": cost}}

    def bound(self) -> Bound:
        return Bound(float(LENGTH), True)

    def greedy_action(self) -> int:
        return 2

    def render(self) -> Any:
        if self.render_mode == "ansi":
            return "." * self.place
        if self.render_mode is None:
            return None
        picture = np.zeros((8, 8 * self.wide, 3), np.uint8)
        picture[:, : 8 * self.place] = 255
        return picture


class Rows(SyncVectorEnv):
    """The vector form."""

    def __init__(self, num_envs: int = 1, **options: Any) -> None:
        super().__init__([lambda: Walk(**options)] * num_envs)


class WrongDtype(Walk):
    def observe(self) -> Any:
        return super().observe().astype(np.float64)


class Outside(Walk):
    def observe(self) -> Any:
        return super().observe() + np.float32(self.place == 5)


class AList(Walk):
    def observe(self) -> Any:
        return super().observe().tolist()


class NotANumber(Walk):
    def step(self, action: Any) -> Any:
        seen, reward, *rest = super().step(action)
        return seen, float("nan") if self.place == 4 else reward, *rest


class IntegerEnd(Walk):
    def step(self, action: Any) -> Any:
        seen, reward, over, *rest = super().step(action)
        return seen, reward, int(over), *rest


class Unseeded(Walk):
    def draw(self) -> int:
        return int(np.random.default_rng().integers(0, 4))


class GlobalState(Walk):
    def draw(self) -> int:
        return random.randrange(4)


class ReseedsNumpy(Walk):
    def reset(self, **given: Any) -> Any:
        np.random.seed(given.get("seed"))
        return super().reset(**given)


class OtherKeys(Walk):
    def info(self, going: float, cost: float) -> dict[str, Any]:
        extra = {"odd": 1} if getattr(self, "time", 0) % 2 else {}
        return super().info(going, cost) | extra


class TermsMissing(Walk):
    def info(self, going: float, cost: float) -> dict[str, Any]:
        return super().info(going, 0.0)


class MasksDiffer(Walk):
    def info(self, going: float, cost: float) -> dict[str, Any]:
        return super().info(going, cost) | {"action_mask": np.ones(3, np.int8)}


class NothingLegal(Walk):
    def action_masks(self) -> Any:
        return np.zeros(3, bool) if self.time == 3 else super().action_masks()


class Overwritten(Walk):
    def reset(self, **given: Any) -> Any:
        self.buffer = np.zeros(2, np.float32)
        return super().reset(**given)

    def observe(self) -> Any:
        self.buffer[:] = super().observe()
        return self.buffer


class NeverEnds(Walk):
    def step(self, action: Any) -> Any:
        self.time = 0
        return super().step(action)


class LowBound(Walk):
    def bound(self) -> Bound:
        return Bound(LENGTH - 1.5, False)

    def greedy_action(self) -> int:
        return 1


class NotPicklable(Walk):
    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.speak = lambda: "nothing"


class LosesState(Walk):
    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"time": 0}


class FloatPicture(Walk):
    def render(self) -> Any:
        picture = super().render()
        return picture / 255 if isinstance(picture, np.ndarray) else picture


class FlatPicture(Walk):
    def render(self) -> Any:
        picture = super().render()
        return picture[..., 0] if isinstance(picture, np.ndarray) else picture


class RenderMoves(Walk):
    def render(self) -> Any:
        self.place += 1
        return super().render()


class NoOptions(Walk):
    def reset(self, *, seed: int | None = None) -> Any:  # type: ignore[override]
        return super().reset(seed=seed)


class NoInfo(Walk):
    def reset(self, **given: Any) -> Any:
        return super().reset(**given)[0]


class FourValues(Walk):
    def step(self, action: Any) -> Any:
        seen, reward, over, _, info = super().step(action)
        return seen, reward, over, info


class NoModes(Walk):
    metadata = {"render_fps": 4}  # noqa: RUF012


class SameEpisodeAgain(Walk):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.kept = seed if seed is not None else getattr(self, "kept", 0)
        return super().reset(seed=self.kept)


class SeedIgnored(Walk):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if not hasattr(self, "own"):
            self.own = np.random.default_rng(0)
        return super().reset(seed=seed)

    def draw(self) -> int:
        return int(self.own.integers(0, 4))


class SharedState(Walk):
    steps = 0

    def step(self, action: Any) -> Any:
        SharedState.steps += 1
        seen, reward, *rest = super().step(action)
        return seen, reward, *rest[:2], rest[2] | {"steps": SharedState.steps}

    def reset(self, **given: Any) -> Any:
        SharedState.steps = 0
        seen, info = super().reset(**given)
        return seen, info | {"steps": 0}


class KeepsScore(Walk):
    episodes = 0

    def reset(self, **given: Any) -> Any:
        self.episodes += 1
        return super().reset(**given)

    def observe(self) -> Any:
        return super().observe() * np.float32(1 / self.episodes)


class HashOrder(Walk):
    def draw(self) -> int:
        return hash("walk") % 1000 % self.wide


class IllegalRaises(Walk):
    def step(self, action: Any) -> Any:
        assert self.action_masks()[int(action)], "you cannot go there"
        return super().step(action)


class GreedyOutside(Walk):
    def greedy_action(self) -> int:
        return 3


class RaisesLate(Walk):
    def step(self, action: Any) -> Any:
        if self.place == 7:
            raise KeyError("seven")
        return super().step(action)


class ClosesOnce(Walk):
    def close(self) -> None:
        self.closed = getattr(self, "closed", 0) + 1
        assert self.closed < 2


class ChangesSpace(Walk):
    def reset(self, **given: Any) -> Any:
        begun = super().reset(**given)
        self.observation_space = spaces.Box(0.0, 1.0 + self.place, (2,), np.float32)
        return begun


class BadVector(Walk):
    """Its rows are paid otherwise."""


class OtherRows(Rows):
    def step(self, actions: Any) -> Any:
        seen, reward, *rest = super().step(actions)
        return seen, reward * 2, *rest


class BadAutoreset(Walk):
    """The step that resets a row is paid."""


class PaidRows(Rows):
    def step(self, actions: Any) -> Any:
        over = self._autoreset_envs.copy()
        seen, reward, *rest = super().step(actions)
        return seen, reward + over, *rest


class SameRows(Walk):
    """All rows of its vector form get one seed."""


class OneSeed(Rows):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=None if seed is None else [seed] * self.num_envs)


class ByChance(Walk):
    """Rows of its vector form begin by chance."""


class ChanceRows(Rows):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=None)


class Pushed(Walk):
    """Actions of one number."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def action_masks(self) -> Any:
        return np.ones(3, bool)

    def step(self, action: Any) -> Any:
        action *= 0.5
        return super().step(1)


class Unmasked(Walk):
    """Offers none of segue's extras, which is no fault."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("action_masks", "bound", "greedy_action"):
            raise AttributeError(name)
        return super().__getattribute__(name)

    def step(self, action: Any) -> Any:
        self.time += 1
        self.place += self.place < 9
        return self.observe(), 0.5, self.time >= LENGTH, False, {}

    def info(self, going: float, cost: float) -> dict[str, Any]:
        return {}


class Hangs(Walk):
    def step(self, action: Any) -> Any:
        time.sleep(3600)


class Dies(Walk):
    def bound(self) -> Bound:
        os._exit(3)


VECTORS = {"BadVector": OtherRows, "BadAutoreset": PaidRows, "Walk": Rows}
VECTORS |= {"SameRows": OneSeed, "ByChance": ChanceRows}
for _kind in [Walk, *Walk.__subclasses__()]:
    gym.register(
        f"{_kind.__name__}-v0", entry_point=_kind, vector_entry_point=VECTORS.get(_kind.__name__)
    )
