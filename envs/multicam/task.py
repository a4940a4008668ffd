"""Rules and rewards of `segue/Multicam-v0` over a bank of scenes, on batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.base.kernel import bind
from segue.envs.base.reward_table import tabulate
from segue.envs.base.tabular import TabularTask, action_values
from segue.envs.base.task import Batch
from segue.envs.base.transition_model import TransitionModel
from segue.envs.multicam import dynamics, observation, optimum, render, stepping
from segue.envs.multicam.generator import draw_scene, lay_out
from segue.envs.multicam.reward_grid import AXES, open_grid
from segue.envs.multicam.types import AGE, CAMERA, HISTORY, PREVIOUS, SCENE, STEP, Rules, Scene
from segue.rewards.base import WeightedSum
from segue.rewards.multicam import MULTICAM
from segue.rewards.multicam_view import CameraView

Footage = str | Path | Sequence[str | Path]
"""A file, a folder, or files."""


@dataclass(frozen=True)
class MulticamBatch(Batch):
    """Batch of multicam episodes.

    Attributes
    ----------
    state : ndarray (n, HISTORY + 2 * cameras) int32
        One row an environment; the columns are named in `types`.
    history : ndarray (steps, n) int8
        Cameras shown; by step, so that a step of the batch writes one line.
    outcome : ndarray (1 + terms, n) float64
        What `reward` and `terms` are views of.
    mask_rows : ndarray (n, words) uint64
        What `mask` is a view of.
    play : callable
        `stepping.step_batch`, bound to these arrays.
    """

    state: npt.NDArray[np.int32]
    history: npt.NDArray[np.int8]
    outcome: npt.NDArray[np.float64]
    mask_rows: npt.NDArray[np.uint64]
    play: Callable[[npt.NDArray[np.int64]], None]


class Multicam(TabularTask[MulticamBatch]):
    """Rules and rewards over a bank of scenes; the arguments are those of `MulticamEnv`."""

    def __init__(
        self,
        scenes: int | Sequence[Scene] = 16,
        footage: Footage | None = None,
        scene_seed: int = 0,
        cameras: int = 4,
        steps: int = 120,
        seconds: float = 0.5,
        hold: int = 2,
        longest: int = 24,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[CameraView] = MULTICAM,
    ) -> None:
        super().__init__()
        if footage is not None:
            scenes = _from_footage(footage, steps, seconds)
        elif isinstance(scenes, int):
            length = Fraction(seconds).limit_denominator(1000)
            scenes = tuple(
                draw_scene(cameras, steps, length, np.random.default_rng([scene_seed, index]))
                for index in range(scenes)
            )
        self.bank = lay_out(scenes, Rules(hold, longest))
        weighted = reward.with_weights(reward_weights or {})
        self.table = tabulate(weighted, open_grid(self.bank), AXES)
        self.term_names = self.table.names
        self.action_space = spaces.Discrete(self.bank.cameras)
        self.observation_space = observation.space(self.bank)
        self._steps = np.array([scene.steps for scene in scenes], dtype=np.int64)
        self._counts = np.array([len(scene.cameras) for scene in scenes], dtype=np.int64)

    def allocate(self, count: int) -> MulticamBatch:
        """Make the buffers of `count` environments."""
        bank, rules = self.bank, self.bank.rules
        assert self.observation_space.shape is not None
        outcome = np.zeros((1 + len(self.term_names), count))
        mask_rows = np.zeros((count, -(-bank.cameras // 8)), dtype=np.uint64)
        state = np.zeros((count, HISTORY + 2 * bank.cameras), dtype=np.int32)
        history = np.zeros((bank.steps, count), dtype=np.int8)
        terminated = np.zeros(count, dtype=np.bool_)
        seen = np.zeros((count, *self.observation_space.shape), dtype=np.int16)
        tables = (bank.seen, bank.likeness, rules.hold, rules.longest)
        worth = (self.table.values, self.table.groups)
        written = (history, outcome, terminated, mask_rows, seen)
        return MulticamBatch(
            reward=outcome[0],
            terms=outcome[1:],
            terminated=terminated,
            mask=mask_rows.view(np.int8)[:, : bank.cameras],
            observation=seen,
            state=state,
            history=history,
            outcome=outcome,
            mask_rows=mask_rows,
            play=bind(stepping.step_batch, state, *tables, *worth, *written),
        )

    def begin(
        self,
        batch: MulticamBatch,
        rows: npt.NDArray[np.int64],
        draws: npt.NDArray[np.uint64],
    ) -> None:
        """Begin an episode on a scene of the bank in each of `rows`."""
        bank = self.bank
        stepping.begin_batch(
            batch.state,
            rows,
            (draws % np.uint64(len(bank.scenes))).astype(np.int64),
            bank.starts,
            self._steps,
            self._counts,
            bank.seen,
            bank.likeness,
            bank.rules.hold,
            batch.terminated,
            batch.mask_rows,
            batch.observation,
        )

    def step(self, batch: MulticamBatch, actions: npt.NDArray[np.int64]) -> None:
        """Show one step in every row; `actions` (n,) is int64 and contiguous."""
        batch.play(actions)

    def tabulated(self, number: int) -> TransitionModel:
        """Transition model of a scene."""
        return optimum.transition_model(self.bank, self.table, number)

    def situation(self, batch: MulticamBatch, row: int) -> tuple[int, int]:
        """Scene, and state of its model, in `row`."""
        columns = [SCENE, STEP, CAMERA, PREVIOUS, AGE]
        scene, step, camera, previous, age = batch.state[row, columns].tolist()
        step = min(step, self.bank.scenes[scene].steps - 1)
        return scene, self.state(step, camera, previous, age)

    def state(self, step: int, camera: int, previous: int, age: int) -> int:
        """Row of `model` of a state."""
        bank = self.bank
        context = dynamics.context_of(camera, previous, age, bank.cameras, bank.rules.longest)
        return step * bank.contexts + int(context)

    def judge(
        self, scene: int, programme: npt.NDArray[np.int8]
    ) -> tuple[list[dict[str, float]], list[str]]:
        """Say of each step of a programme what its terms gave and which camera was next best.

        Returns
        -------
        list of dict
            Weighted value of each term, by step.
        list of str
            For each step that was free to choose, the best other camera and what the whole
            programme would have gained or lost by it at best; else empty.
        """
        batch, model = self.allocate(1), self.model(scene)
        values, cameras = self.state_values(scene), self.bank.scenes[scene].cameras
        self.begin(batch, np.zeros(1, dtype=np.int64), np.array([scene], dtype=np.uint64))
        terms, others, state = [], [], model.start
        for action in programme.tolist():
            worth = action_values(model, values, state)
            gain = worth - worth[action]
            gain[action] = -np.inf
            other = int(gain.argmax())
            free = bool(np.isfinite(gain[other]))
            others.append(f"{cameras[other].name} ({gain[other]:+.2f})" if free else "")
            self.step(batch, np.array([action], dtype=np.int64))
            terms.append(dict(zip(self.term_names, batch.terms[:, 0].tolist(), strict=True)))
            state = int(model.next_state[state, action])
        return terms, others

    def render(self, batch: MulticamBatch, row: int) -> npt.NDArray[np.uint8]:
        """Cameras as lanes over time, with the programme so far."""
        scene, step = batch.state[row, [SCENE, STEP]]
        return render.picture(self.bank, int(scene), batch.history[:step, row])


def _from_footage(footage: Footage, steps: int, seconds: float) -> tuple[Scene, ...]:
    """Scenes from footage; a warning says what must be known about them."""
    # Imported late: it loads the decoders.
    from segue.envs.multicam.footage import scenes_from_footage

    scenes = scenes_from_footage(footage, steps=steps, seconds=seconds)
    if scenes[0].note:
        warnings.warn(scenes[0].note, stacklevel=3)
    return scenes
