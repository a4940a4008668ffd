"""`segue/Counterpoint-v0`: the Gymnasium face of writing a counterpoint, note against note."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
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
from segue.envs.counterpoint import dynamics, observation, optimum, render, stepping
from segue.envs.counterpoint.cantus_firmi import Named, cantus_firmi
from segue.envs.counterpoint.generator import draw_cantus_firmi, lay_out
from segue.envs.counterpoint.optimum import Numbered, Solution
from segue.envs.counterpoint.reward_grid import AXES, open_grid
from segue.envs.counterpoint.types import (
    ACTIONS,
    BAR,
    CANTUS,
    COLUMNS,
    MASK_WORDS,
    PITCH,
    REPLACED,
    CantusFirmus,
)
from segue.rewards.base import WeightedSum
from segue.rewards.counterpoint import COUNTERPOINT
from segue.rewards.counterpoint_view import CounterpointView


@dataclass(frozen=True)
class CounterpointBatch(Batch):
    """Batch of counterpoint episodes.

    Attributes
    ----------
    state : ndarray (n, COLUMNS) int32
        One row an environment; the columns are named in `types`.
    history : ndarray (bars, n) int8
        Pitches played, REPLACED added where one stands for an illegal action.
    outcome : ndarray (1 + terms, n) float64
        What `reward` and `terms` are views of.
    mask_rows : ndarray (n, MASK_WORDS) uint64
        What `mask` is a view of.
    play : callable
        `stepping.step_batch`, bound to these arrays.
    """

    state: npt.NDArray[np.int32]
    history: npt.NDArray[np.int8]
    outcome: npt.NDArray[np.float64]
    mask_rows: npt.NDArray[np.uint64]
    play: Callable[[npt.NDArray[np.int64]], None]


class Counterpoint(TabularTask[CounterpointBatch]):
    """Rules and rewards over a bank of cantus firmi; the arguments are `CounterpointEnv`'s."""

    def __init__(
        self,
        cantus: Named | Sequence[Named] = "fux",
        generated: int = 0,
        cantus_seed: int = 0,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[CounterpointView] = COUNTERPOINT,
    ) -> None:
        super().__init__()
        drawn = draw_cantus_firmi(generated, cantus_seed)
        self.bank = lay_out((*cantus_firmi(cantus), *drawn))
        weighted = reward.with_weights(reward_weights or {})
        self.table = tabulate(weighted, open_grid(), AXES)
        self.term_names = self.table.names
        self.action_space = spaces.Discrete(ACTIONS)
        self.observation_space = observation.space()
        self._solved: dict[int, tuple[Numbered, Solution]] = {}

    def allocate(self, count: int) -> CounterpointBatch:
        """Make the buffers of `count` environments."""
        assert self.observation_space.shape is not None
        outcome = np.zeros((1 + len(self.term_names), count))
        mask_rows = np.zeros((count, MASK_WORDS), dtype=np.uint64)
        state = np.zeros((count, COLUMNS), dtype=np.int32)
        history = np.zeros((self.bank.most_bars, count), dtype=np.int8)
        terminated = np.zeros(count, dtype=np.bool_)
        seen = np.zeros((count, *self.observation_space.shape), dtype=np.int16)
        tables = (self.bank.bar_table, self.bank.allowed, self.table.values, self.table.groups)
        results = (history, outcome, terminated, mask_rows, seen)
        return CounterpointBatch(
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
        batch: CounterpointBatch,
        rows: npt.NDArray[np.int64],
        draws: npt.NDArray[np.uint64],
    ) -> None:
        """Begin an episode over a cantus firmus of the bank in each of `rows`."""
        bank = self.bank
        chosen = (draws % np.uint64(len(bank.cantus_firmi))).astype(np.int64)
        stepping.begin_batch(
            batch.state,
            rows,
            chosen,
            bank.starts,
            bank.bar_table,
            bank.allowed,
            batch.history,
            batch.terminated,
            batch.mask_rows,
            batch.observation,
        )

    def step(self, batch: CounterpointBatch, actions: npt.NDArray[np.int64]) -> None:
        """Play one bar in every row; `actions` (n,) is int64 and contiguous."""
        batch.play(actions)

    def solved(self, cantus: int) -> tuple[Numbered, Solution]:
        """Tables and solution of a cantus firmus of the bank, computed once."""
        if cantus not in self._solved:
            numbered = optimum.transition_model(self.bank, self.table, cantus)
            self._solved[cantus] = numbered, optimum.solve(numbered.model)
        return self._solved[cantus]

    def tabulated(self, number: int) -> TransitionModel:
        """Transition model of a cantus firmus."""
        return self.solved(number)[0].model

    def situation(self, batch: CounterpointBatch, row: int) -> tuple[int, int]:
        """Cantus firmus, and state of its model, in `row`."""
        cantus = int(batch.state[row, CANTUS])
        numbered, _ = self.solved(cantus)
        if batch.terminated[row]:
            return cantus, numbered.model.start
        context = dynamics.context_of.py_func(*batch.state[row, PITCH:].tolist())
        return cantus, numbered.index(int(batch.state[row, BAR]), context)

    def costs(self, batch: CounterpointBatch, row: int) -> list[dict[str, float]]:
        """What each bar of the episode in `row` has cost so far, by reward term, zeros left out."""
        cantus, bars = int(batch.state[row, CANTUS]), int(batch.state[row, BAR])
        again = self.allocate(1)
        self.begin(again, np.zeros(1, dtype=np.int64), np.array([cantus], dtype=np.uint64))
        found = []
        for code in batch.history[:bars, row].tolist():
            # An action outside the space stands for any illegal one: both play the lowest pitch.
            self.step(again, np.array([-1 if code >= REPLACED else code]))
            terms = zip(self.term_names, again.terms[:, 0].tolist(), strict=True)
            found.append({name: value for name, value in terms if value != 0.0})
        return found

    def render(self, batch: CounterpointBatch, row: int) -> npt.NDArray[np.uint8]:
        """Score of the episode in `row` so far."""
        cantus = self.bank.cantus_firmi[int(batch.state[row, CANTUS])]
        bars = int(batch.state[row, BAR])
        line = [cantus.final + code % REPLACED for code in batch.history[:bars, row].tolist()]
        return render.score_picture(cantus, line, self.costs(batch, row))


class CounterpointEnv(SegueEnv[CounterpointBatch]):
    """Write a first-species counterpoint above a cantus firmus, one note a bar.

    ## Description
    Given is a *cantus firmus* in a church mode, one note a bar; the agent adds the upper voice,
    note against note, by the rules of J. J. Fux (*Gradus ad Parnassum*, 1725) in the form that W.
    Schottstaedt gave them for a program (*Automatic Species Counterpoint*, CCRMA STAN-M-19, 1984):
    absolute rules are masked, each of the others costs its penalty. Fux's six cantus firmi are
    built in, and more are drawn by the textbooks' rules. All costs look at the bar, the last two
    pitches and the climax so far, so that the optimum is exact, and the optimal lines are counted.

    Absolute rules: every note lies in the mode, within a twelfth above the final, and forms a
    unison, third, fifth, sixth or octave (simple or compound, a twelfth at most) above the cantus
    firmus, a unison only in the first and last bar; no fifth, octave or unison is reached by
    direct motion or follows one of its kind; no melodic interval is wider than an octave, a
    tritone, major sixth or seventh, or a minor sixth down, nor do two in a row span more than an
    octave; the first bar is a perfect consonance; the last but one has the leading tone, raised
    but in the Phrygian mode and not reached by an augmented or diminished interval, and the last
    its octave. An action after which no line could be ended by these rules is illegal, too, so
    that there are no dead ends.

    A result is best told as its normalised gap, ``(V* - V) / (V* - V_random)``: 0 for the optimum,
    1 for uniform random legal play, whose exact expected return V_random is. `solution()` has
    both, and the number of optimal and of legal lines.

    ## Action Space
    `Discrete(20)`: p sounds the pitch p semitones above the final. An illegal action counts as
    the lowest legal pitch and costs the weight of the term `legality`. Masks:
    ``info["action_mask"]`` (int8) and `action_masks()` (bool).

    ## Observation Space
    `MultiDiscrete`, 17 integers (int16), the same for every cantus firmus. Of the cantus firmus:
    mode (Dorian, Phrygian, Lydian, Mixolydian, Aeolian, Ionian); the note before, the one to be
    met now and the next five (semitones above the octave under the final; 29 = none). Bars played
    and bars left. Of the counterpoint: last pitch and the one before (semitones above the final;
    20 = none); the last above the note to be met now (semitones plus 16; 48 = none); the last move
    (semitones plus 12; 25 = none); the climax so far (semitones above the final plus 1; 0 =
    none); whether it has been left and sounded again; the last interval above the cantus firmus
    (20 = none).

    ## Rewards
    Minus the penalties, the sum of the weighted terms of
    `segue.rewards.counterpoint.COUNTERPOINT`, so that no return exceeds 0: perfect_consonance,
    direct_motion, compound, skip_to_octave, skip_from_unison, tenth_to_octave, consecutive_skips,
    skip_preceded, skip_followed, leap_back, large_leap, melodic_tritone, neighbour, repetition,
    leap_at_cadence, lydian_tritone, climax, legality. Values are Schottstaedt's but for
    repetition, climax and legality. ``info["reward_terms"]`` holds each; they add up to the
    reward.

    ## Starting State
    No note above a cantus firmus of the bank, chosen by the seed.

    ## Episode End
    Terminates after the last bar of the cantus firmus (10 to 14 bars for Fux's). Never truncates.

    ## Arguments
    - `cantus` (one or several, default "fux"): `"fux"` for all six, names such as `"dorian"`,
      tuples of MIDI pitches (in an untransposed mode), or `CantusFirmus` records; `()` for none.
    - `generated` (int, default 0): how many cantus firmi to draw beside them.
    - `cantus_seed` (int, default 0): seed of the drawn ones; take another for testing.
    - `reward_weights` (mapping, default None): weights that replace the reward's, by term.
    - `reward` (WeightedSum, default `COUNTERPOINT`): terms and weights, such as some of one's own.
    - `render_mode` (str, default None): `"rgb_array"` gives the score, with the interval and the
      broken rules under each bar.

    ## Version History
    - v0: first version.
    """

    def __init__(
        self,
        cantus: Named | Sequence[Named] = "fux",
        generated: int = 0,
        cantus_seed: int = 0,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[CounterpointView] = COUNTERPOINT,
        render_mode: str | None = None,
    ) -> None:
        task = Counterpoint(cantus, generated, cantus_seed, reward_weights, reward)
        super().__init__(task, render_mode)

    @property
    def counterpoint(self) -> Counterpoint:
        """The task behind this environment."""
        assert isinstance(self.task, Counterpoint)
        return self.task

    @property
    def cantus_firmus(self) -> CantusFirmus:
        """The cantus firmus of the current episode."""
        return self.counterpoint.bank.cantus_firmi[int(self.batch.state[0, CANTUS])]

    def optimum(self) -> float:
        """Exact optimal return V* above the current cantus firmus."""
        return self.bound().value

    def solution(self) -> Solution:
        """V*, V_random, and the numbers of optimal and legal lines; reset first."""
        return self.counterpoint.solved(int(self.batch.state[0, CANTUS]))[1]

    def optimal_lines(self, most: int | None = None) -> list[tuple[int, ...]]:
        """Optimal lines as MIDI pitches, in ascending order: all, or the first `most`."""
        model, solution, final = self.transition_model(), self.solution(), self.cantus_firmus.final
        lines = islice(optimum.optimal_lines(model, solution), most)
        return [tuple(final + action for action in line) for line in lines]

    def transition_model(self) -> TransitionModel:
        """Tables of the current cantus firmus for compiled solvers; reset first."""
        return self.counterpoint.solved(int(self.batch.state[0, CANTUS]))[0].model

    def state_index(self, observed: Any) -> int:
        """Row of `transition_model` that an observation before the end stands for."""
        numbered, _ = self.counterpoint.solved(int(self.batch.state[0, CANTUS]))
        return numbered.index(*observation.decode(observed))

    def line(self) -> tuple[int, ...]:
        """Counterpoint of the episode so far, MIDI pitches."""
        bars, final = int(self.batch.state[0, BAR]), self.cantus_firmus.final
        return tuple(final + code % REPLACED for code in self.batch.history[:bars, 0].tolist())

    def costs(self) -> list[dict[str, float]]:
        """What each bar so far has cost, by reward term, zeros left out."""
        return self.counterpoint.costs(self.batch, 0)


class CounterpointVectorEnv(SegueVectorEnv[CounterpointBatch]):
    """Many counterpoints at once; see `CounterpointEnv` and `SegueVectorEnv`."""

    def __init__(
        self,
        num_envs: int = 1,
        cantus: Named | Sequence[Named] = "fux",
        generated: int = 0,
        cantus_seed: int = 0,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[CounterpointView] = COUNTERPOINT,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        task = Counterpoint(cantus, generated, cantus_seed, reward_weights, reward)
        super().__init__(task, num_envs, autoreset_mode, render_mode)
