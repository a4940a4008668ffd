"""`segue/Highlight-v0`: the Gymnasium face of cutting a video down to its best parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from segue.envs.base.kernel import bind
from segue.envs.base.reward_table import tabulate
from segue.envs.base.single import SegueEnv
from segue.envs.base.tabular import TabularTask
from segue.envs.base.task import Batch
from segue.envs.base.transition_model import TransitionModel
from segue.envs.base.vector import SegueVectorEnv
from segue.envs.highlight import dynamics, observation, optimum, render, stepping
from segue.envs.highlight.generator import draw_videos, lay_out
from segue.envs.highlight.optimum import Solution
from segue.envs.highlight.reward_grid import AXES, open_grid
from segue.envs.highlight.types import (
    ACTIONS,
    BUDGET,
    COLUMNS,
    COST,
    KEEP,
    NONE_KEPT,
    POSITION,
    VIDEO,
    Video,
)
from segue.rewards.base import WeightedSum
from segue.rewards.highlight import HIGHLIGHT
from segue.rewards.highlight_view import HighlightView


@dataclass(frozen=True)
class HighlightBatch(Batch):
    """Batch of highlight episodes.

    Attributes
    ----------
    state : ndarray (n, COLUMNS) int32
        One row an environment; the columns are named in `types`.
    history : ndarray (shots, n) int8
        Actions played, REPLACED where an illegal one was skipped.
    outcome : ndarray (1 + terms, n) float64
        What `reward` and `terms` are views of.
    mask_rows : ndarray (n, 1) uint64
        What `mask` is a view of.
    play : callable
        `stepping.step_batch`, bound to these arrays.
    """

    state: npt.NDArray[np.int32]
    history: npt.NDArray[np.int8]
    outcome: npt.NDArray[np.float64]
    mask_rows: npt.NDArray[np.uint64]
    play: Callable[[npt.NDArray[np.int64]], None]


class Highlight(TabularTask[HighlightBatch]):
    """Rules and rewards over a bank of videos; the arguments are those of `HighlightEnv`."""

    def __init__(
        self,
        videos: int | Sequence[Video] = 16,
        shots: int = 40,
        video_seed: int = 0,
        budget: float = 0.15,
        unit: float = 0.5,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[HighlightView] = HIGHLIGHT,
    ) -> None:
        super().__init__()
        if isinstance(videos, int):
            videos = draw_videos(videos, shots, video_seed)
        self.bank = lay_out(videos, budget, unit)
        weighted = reward.with_weights(reward_weights or {})
        self.table = tabulate(weighted, open_grid(self.bank), AXES)
        self.term_names = self.table.names
        self.action_space = spaces.Discrete(ACTIONS)
        self.observation_space = observation.space(self.bank)
        self._solved: dict[int, tuple[TransitionModel, Solution]] = {}

    def allocate(self, count: int) -> HighlightBatch:
        """Make the buffers of `count` environments."""
        assert self.observation_space.shape is not None
        outcome = np.zeros((1 + len(self.term_names), count))
        mask_rows = np.zeros((count, 1), dtype=np.uint64)
        state = np.zeros((count, COLUMNS), dtype=np.int32)
        history = np.zeros((self.bank.most_shots, count), dtype=np.int8)
        terminated = np.zeros(count, dtype=np.bool_)
        seen = np.zeros((count, *self.observation_space.shape), dtype=np.int16)
        tables = (self.bank.shot_table, self.table.values, self.table.groups)
        results = (history, outcome, terminated, mask_rows, seen)
        return HighlightBatch(
            reward=outcome[0],
            terms=outcome[1:],
            terminated=terminated,
            mask=mask_rows.view(np.int8)[:, :ACTIONS],
            observation=seen,
            state=state,
            history=history,
            outcome=outcome,
            mask_rows=mask_rows,
            play=bind(stepping.step_batch, state, *tables, *results),
        )

    def begin(
        self,
        batch: HighlightBatch,
        rows: npt.NDArray[np.int64],
        draws: npt.NDArray[np.uint64],
    ) -> None:
        """Begin an episode on a video of the bank in each of `rows`."""
        bank = self.bank
        stepping.begin_batch(
            batch.state,
            rows,
            (draws % np.uint64(len(bank.videos))).astype(np.int64),
            bank.starts,
            bank.budgets,
            bank.shot_table,
            batch.history,
            batch.terminated,
            batch.mask_rows,
            batch.observation,
        )

    def step(self, batch: HighlightBatch, actions: npt.NDArray[np.int64]) -> None:
        """Decide on one shot in every row; `actions` (n,) is int64 and contiguous."""
        batch.play(actions)

    def solved(self, video: int) -> tuple[TransitionModel, Solution]:
        """Tables and solution of a video of the bank, computed once."""
        if video not in self._solved:
            model = optimum.transition_model(self.bank, self.table, video)
            self._solved[video] = model, optimum.solve(model)
        return self._solved[video]

    def tabulated(self, number: int) -> TransitionModel:
        """Transition model of a video."""
        return self.solved(number)[0]

    def situation(self, batch: HighlightBatch, row: int) -> tuple[int, int]:
        """Video, and state of its model, in `row`."""
        video, _, position, budget, since = batch.state[row].tolist()
        position = min(position, len(self.bank.videos[video]) - 1)
        most = int(self.bank.budgets[video])
        return video, int(dynamics.state_of.py_func(position, budget, since, most))

    def greedy(self, batch: HighlightBatch, row: int) -> npt.NDArray[np.int64]:
        """Keep the shot at hand if filling the rest of the budget by density would.

        The greatest immediate reward would be to keep whatever fits. This is the knapsack's own
        greedy rule: what is left is filled by the reward of keeping a shot (as if nothing had
        been kept before it) per unit of its length.
        """
        video, _, position, budget, _ = batch.state[row].tolist()
        rows = slice(int(self.bank.starts[video]) + position, None)
        shots = len(self.bank.videos[video]) - position
        if shots == 0:
            return np.asarray(batch.mask[row].argmax())
        model, most = self.solved(video)[0], int(self.bank.budgets[video])
        state_of = dynamics.state_of.py_func
        coming = range(position, position + shots)
        keeping = [model.reward[state_of(shot, most, NONE_KEPT, most), KEEP] for shot in coming]
        costs = self.bank.shot_table[rows, COST][:shots]
        return np.asarray(int(optimum.densest(np.array(keeping), costs, budget)[0]))

    def kept(self, batch: HighlightBatch, row: int) -> npt.NDArray[np.bool_]:
        """Of the shots passed in `row`, those kept, (m,)."""
        return np.asarray(batch.history[: int(batch.state[row, POSITION]), row] == KEEP)

    def render(self, batch: HighlightBatch, row: int) -> npt.NDArray[np.uint8]:
        """Curve of importance and summary of the episode in `row` so far."""
        video, budget = int(batch.state[row, VIDEO]), int(batch.state[row, BUDGET])
        all_units = int(self.bank.budgets[video])
        return render.summary_picture(
            self.bank.videos[video],
            self.kept(batch, row),
            all_units - budget,
            all_units,
            self.bank.unit,
        )


class HighlightEnv(SegueEnv[HighlightBatch]):
    """Cut a video down to its best parts under a length budget, shot by shot.

    ## Description
    A video in shots, each with a length and an importance; the agent looks at them from the first
    to the last, and keeps or skips each. What it keeps may last 15 % of the video. This is video
    summarisation as TVSum and SumMe score it (Song et al. 2015; Gygli et al. 2014), a 0/1 knapsack
    whose items come one by one. Every term of the reward depends only on the shot, on the budget
    left and on which of the last shots was kept, so that the optimum is exact.

    Videos are drawn: log-normal shot lengths, importance that wanders from 1 to 5 as TVSum's
    raters gave it, scenes that come again. Or they are made of TVSum's annotations
    (`segue.envs.highlight.tvsum.read_tvsum`) or of analysed footage
    (`segue.envs.highlight.generator.videos_from_footage`). A summary is compared with people's by
    `segue.envs.highlight.evaluation`.

    ## Action Space
    `Discrete(2)`: 0 skips the shot, 1 keeps it, which is illegal where it is longer than the
    budget left. An illegal action counts as a skip and costs the weight of the term `legality`.
    Masks: ``info["action_mask"]`` (int8) and `action_masks()` (bool).

    ## Observation Space
    `MultiDiscrete`, 16 integers (int16). Of the shot at hand and the four after it: importance
    over the video's greatest, in ten bins (10 = past the end); then their lengths over half of
    the budget, likewise. How well the shot at hand stands for the video, in ten bins. Shots passed
    and shots left. Units of the budget left. How many shots back the last one kept lies (0 = none
    was kept, 6 = further back than 5). Whether the shot at hand fits.

    ## Rewards
    The sum of the weighted terms of `segue.rewards.highlight.HIGHLIGHT`: importance (importance
    times length, the whole video being 1), diversity, representativeness, legality.
    ``info["reward_terms"]`` holds each; they add up to the reward. With `IMPORTANCE` of the same
    module the task is the plain knapsack.

    ## Starting State
    Before the first shot of a video of the bank, chosen by the seed, with the whole budget.

    ## Episode End
    Terminates after the last shot. Never truncates.

    ## Arguments
    - `videos` (int or sequence of Video, default 16): how many videos the bank draws, or the
      videos themselves.
    - `shots` (int, default 40): shots of a drawn video.
    - `video_seed` (int, default 0): seed of the drawn videos; take another for testing.
    - `budget` (float, default 0.15): part of the video that may be kept, in (0, 1].
    - `unit` (float, default 0.5): seconds in which the budget is counted. The length of a shot is
      rounded up to whole units, the budget down.
    - `reward_weights` (mapping, default None): weights that replace the reward's, by term.
    - `reward` (WeightedSum, default `HIGHLIGHT`): terms and weights, such as some of one's own.
    - `render_mode` (str, default None): `"rgb_array"` gives the curve of importance with the
      shots kept, and the budget.

    ## Version History
    - v0: first version.
    """

    def __init__(
        self,
        videos: int | Sequence[Video] = 16,
        shots: int = 40,
        video_seed: int = 0,
        budget: float = 0.15,
        unit: float = 0.5,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[HighlightView] = HIGHLIGHT,
        render_mode: str | None = None,
    ) -> None:
        task = Highlight(videos, shots, video_seed, budget, unit, reward_weights, reward)
        super().__init__(task, render_mode)

    @property
    def highlight(self) -> Highlight:
        """The task behind this environment."""
        assert isinstance(self.task, Highlight)
        return self.task

    @property
    def video(self) -> Video:
        """The video of the current episode."""
        return self.highlight.bank.videos[int(self.batch.state[0, VIDEO])]

    def optimum(self) -> float:
        """Exact optimal return V* of the current video."""
        return self.bound().value

    def solution(self) -> Solution:
        """V* and V_random of the current video; reset first."""
        return self.highlight.solved(int(self.batch.state[0, VIDEO]))[1]

    def transition_model(self) -> TransitionModel:
        """Tables of the current video for compiled solvers; reset first."""
        return self.highlight.solved(int(self.batch.state[0, VIDEO]))[0]

    def state_index(self, observed: Any) -> int:
        """Row of `transition_model` that an observation before the end stands for."""
        position, budget, since = observation.decode(observed)
        most = int(self.highlight.bank.budgets[int(self.batch.state[0, VIDEO])])
        return int(dynamics.state_of.py_func(position, budget, since, most))

    def kept(self) -> npt.NDArray[np.bool_]:
        """Of the shots passed so far, those kept, (m,)."""
        return self.highlight.kept(self.batch, 0)


class HighlightVectorEnv(SegueVectorEnv[HighlightBatch]):
    """Many summaries at once; see `HighlightEnv` and `SegueVectorEnv`."""

    def __init__(
        self,
        num_envs: int = 1,
        videos: int | Sequence[Video] = 16,
        shots: int = 40,
        video_seed: int = 0,
        budget: float = 0.15,
        unit: float = 0.5,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[HighlightView] = HIGHLIGHT,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        task = Highlight(videos, shots, video_seed, budget, unit, reward_weights, reward)
        super().__init__(task, num_envs, autoreset_mode, render_mode)
