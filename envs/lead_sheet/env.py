"""`segue/LeadSheet-v0`: the Gymnasium face of writing a melody over chords."""

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
from segue.envs.lead_sheet import dynamics, observation, optimum, render, stepping
from segue.envs.lead_sheet.generator import draw_piece, lay_out
from segue.envs.lead_sheet.reward_grid import AXES, open_grid
from segue.envs.lead_sheet.types import (
    ACTIONS,
    COLUMNS,
    CONTEXTS,
    DEFAULT_BRIEF,
    MASK_WORDS,
    PIECE,
    PREVIOUS,
    SLOT,
    Brief,
    Piece,
)
from segue.envs.music.piano_roll import piano_roll
from segue.envs.music.tune import Tune
from segue.rewards.base import WeightedSum
from segue.rewards.melody import LEAD_SHEET, NoteView


@dataclass(frozen=True)
class LeadSheetBatch(Batch):
    """Batch of lead-sheet episodes.

    Attributes
    ----------
    state : ndarray (n, COLUMNS) int32
        One row an environment; the columns are named in `types`.
    history : ndarray (slots, n) int8
        Actions played; by slot, so that a step of the batch writes one line.
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


class LeadSheet(TabularTask[LeadSheetBatch]):
    """Rules and rewards over a bank of pieces; the arguments are those of `LeadSheetEnv`."""

    def __init__(
        self,
        brief: Brief = DEFAULT_BRIEF,
        pieces: int | Sequence[Piece] = 16,
        piece_seed: int = 0,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[NoteView] = LEAD_SHEET,
    ) -> None:
        super().__init__()
        if isinstance(pieces, int):
            pieces = tuple(
                draw_piece(brief, np.random.default_rng([piece_seed, index]))
                for index in range(pieces)
            )
        self.bank = lay_out(pieces)
        weighted = reward.with_weights(reward_weights or {})
        self.table = tabulate(weighted, open_grid(self.bank), AXES)
        self.term_names = self.table.names
        self.action_space = spaces.Discrete(ACTIONS)
        self.observation_space = observation.space(self.bank.slots, pieces[0].metre.slots)

    def allocate(self, count: int) -> LeadSheetBatch:
        """Make the buffers of `count` environments."""
        assert self.observation_space.shape is not None
        outcome = np.zeros((1 + len(self.term_names), count))
        mask_rows = np.zeros((count, MASK_WORDS), dtype=np.uint64)
        state = np.zeros((count, COLUMNS), dtype=np.int32)
        history = np.zeros((self.bank.slots, count), dtype=np.int8)
        terminated = np.zeros(count, dtype=np.bool_)
        seen = np.zeros((count, *self.observation_space.shape), dtype=np.int16)
        step = stepping.step_batch
        tables = (self.bank.slot_table, self.table.values, self.table.groups)
        return LeadSheetBatch(
            reward=outcome[0],
            terms=outcome[1:],
            terminated=terminated,
            mask=mask_rows.view(np.int8)[:, :ACTIONS],
            observation=seen,
            state=state,
            history=history,
            outcome=outcome,
            mask_rows=mask_rows,
            play=bind(step, state, *tables, history, outcome, terminated, mask_rows, seen),
        )

    def begin(
        self,
        batch: LeadSheetBatch,
        rows: npt.NDArray[np.int64],
        draws: npt.NDArray[np.uint64],
    ) -> None:
        """Begin an episode over a piece of the bank in each of `rows`."""
        pieces = (draws % np.uint64(len(self.bank.pieces))).astype(np.int64)
        bank = self.bank
        stepping.begin_batch(
            batch.state,
            rows,
            pieces,
            bank.slots,
            bank.slot_table,
            batch.history,
            batch.terminated,
            batch.mask_rows,
            batch.observation,
        )

    def step(self, batch: LeadSheetBatch, actions: npt.NDArray[np.int64]) -> None:
        """Play one slot in every row; `actions` (n,) is int64 and contiguous."""
        batch.play(actions)

    def tabulated(self, number: int) -> TransitionModel:
        """Transition model of a piece."""
        return optimum.transition_model(self.bank, self.table, number)

    def situation(self, batch: LeadSheetBatch, row: int) -> tuple[int, int]:
        """Piece, and state of its model, in `row`."""
        piece, slot, *context = batch.state[row, :PREVIOUS].tolist()
        slot = min(slot, self.bank.slots - 1)
        return piece, slot * CONTEXTS + int(dynamics.context_of(*context))

    def tune(self, batch: LeadSheetBatch, row: int, title: str = "") -> Tune:
        """Tune of the episode in `row` so far."""
        piece, slot = batch.state[row, [PIECE, SLOT]]
        return render.to_tune(self.bank.pieces[piece], batch.history[:slot, row], title)

    def render(self, batch: LeadSheetBatch, row: int) -> npt.NDArray[np.uint8]:
        """Piano roll of the episode in `row` so far."""
        return piano_roll(self.tune(batch, row))


class LeadSheetEnv(SegueEnv[LeadSheetBatch]):
    """Write a melody over a chord progression, one eighth note at a time.

    ## Description
    A lead sheet gives chords; the agent writes the melody above them. Every episode plays over a
    *piece*: chords, key, metre and tempo, as asked for or drawn by mood, with a rhythmic motif,
    the directions of a melodic motif, an arch for the height of the melody and cadences. Drawn
    progressions are stock ones of the mood or come from a small grammar of functional harmony.
    The reward is that of tonal melody writing, and every term of it depends only on the slot and
    on a state of 976 contexts, so that the optimum is computed exactly by dynamic programming.

    ## Action Space
    `Discrete(27)`: 0 is a rest, 1 holds the sounding note, 2 + p begins the pitch ``60 + p``
    (MIDI, C4 to C6). Legal are: a rest; a hold while a note sounds; an onset of a pitch of the
    key or of the chord, no more than an octave from the note before. An illegal action counts
    as a rest and costs the weight of the term `legality`. Masks: ``info["action_mask"]`` (int8)
    and `action_masks()` (bool).

    ## Observation Space
    `MultiDiscrete`, 16 integers (int16). Of the slot: position in the bar; root above the tonic
    and quality of the chord, and of the chord after it; mode; rhythmic template (0 rest, 1 hold,
    2 onset, 3 free); melodic motif (0 down, 1 repeat, 2 up, 3 free); cadence (0 none, 1 half, 2
    full); height of the arch (semitones above C4, 25 = no arch). Of the melody: slots played;
    last pitch and the one before (25 = none); how the last was reached (0 it is the first, 1
    leap up, 2 leap down, 3-4 repeated once or more often, 5-8 by the first to fourth small move
    upwards in a row, 9-12 downwards); whether it sounds; whether it is an unresolved dissonance.

    ## Rewards
    The sum of the weighted terms of `segue.rewards.melody.LEAD_SHEET`: harmony, resolution,
    motion, leap_recovery, contour, rhythm, motif, cadence, approach, legality.
    ``info["reward_terms"]`` holds each; they add up to the reward.

    ## Starting State
    Silence before the first slot of a piece of the bank, chosen by the seed.

    ## Episode End
    Terminates after the last slot (of a bar 4 in 2/4, 6 in 3/4 and 6/8, 8 in 4/4). Never
    truncates.

    ## Arguments
    - `mood` (str, default "hopeful"): a key of `segue.envs.music.moods.MOODS`.
    - `bars` (int, default 8): length of the pieces, 1 to 64.
    - `pieces` (int or sequence of Piece, default 16): how many pieces the bank draws, or the
      pieces themselves.
    - `piece_seed` (int, default 0): seed of the drawn pieces; take another for testing.
    - `chords` (str, default None): chord changes such as ``"Am7 D7 | Gmaj7"``, repeated until
      the bars are filled. Symbols between two bar lines share the bar; without bar lines each
      has one of its own. ``%`` repeats the bar or the chord before; the bass of a slash chord
      is read and dropped. None draws a progression by mood.
    - `key` (str, default None): such as ``"G major"``, ``"A minor"`` or ``"D dorian"``. None
      finds it from the chords, or draws it by mood.
    - `metre` (str, default "4/4"): 2/4, 3/4, 4/4 or 6/8. Strong slots follow from it.
    - `tempo` (float, default None): quarter notes per minute, 20 to 400, in every metre. None
      draws it by mood.
    - `swing` (float, default 1.0): how many times as long as the second the first of two eighths
      sounds when the tune is played, 1 (straight) to 3; 2 is a triplet. Rules and rewards do not
      depend on it.
    - `reward_weights` (mapping, default None): weights that replace the reward's, by term.
    - `reward` (WeightedSum, default `LEAD_SHEET`): terms and weights, such as some of one's own.
    - `render_mode` (str, default None): `"rgb_array"` gives the piano roll.

    ## Version History
    - v0: first version.
    """

    def __init__(
        self,
        mood: str = "hopeful",
        bars: int = 8,
        pieces: int | Sequence[Piece] = 16,
        piece_seed: int = 0,
        chords: str | None = None,
        key: str | None = None,
        metre: str = "4/4",
        tempo: float | None = None,
        swing: float = 1.0,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[NoteView] = LEAD_SHEET,
        render_mode: str | None = None,
    ) -> None:
        brief = Brief(mood, bars, chords, key, metre, tempo, swing)
        task = LeadSheet(brief, pieces, piece_seed, reward_weights, reward)
        super().__init__(task, render_mode)

    @property
    def lead_sheet(self) -> LeadSheet:
        """The task behind this environment."""
        assert isinstance(self.task, LeadSheet)
        return self.task

    def optimum(self) -> float:
        """Exact optimal return V* of the current piece."""
        return self.bound().value

    def transition_model(self) -> TransitionModel:
        """Tables of the current piece for compiled solvers; reset first."""
        return self.lead_sheet.model(int(self.batch.state[0, PIECE]))

    def state_index(self, observed: Any) -> int:
        """Row of `transition_model` that an observation stands for."""
        slot, pitch, _, move, sounding, unresolved = (
            int(column) for column in observed[observation.SLOT_COLUMNS :]
        )
        return slot * CONTEXTS + int(dynamics.context_of(pitch, sounding, move, unresolved))

    def tune(self, title: str = "") -> Tune:
        """Tune of the episode so far."""
        return self.lead_sheet.tune(self.batch, 0, title)


class LeadSheetVectorEnv(SegueVectorEnv[LeadSheetBatch]):
    """Many lead sheets at once; see `LeadSheetEnv` and `SegueVectorEnv`."""

    def __init__(
        self,
        num_envs: int = 1,
        mood: str = "hopeful",
        bars: int = 8,
        pieces: int | Sequence[Piece] = 16,
        piece_seed: int = 0,
        chords: str | None = None,
        key: str | None = None,
        metre: str = "4/4",
        tempo: float | None = None,
        swing: float = 1.0,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[NoteView] = LEAD_SHEET,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        brief = Brief(mood, bars, chords, key, metre, tempo, swing)
        task = LeadSheet(brief, pieces, piece_seed, reward_weights, reward)
        super().__init__(task, num_envs, autoreset_mode, render_mode)
