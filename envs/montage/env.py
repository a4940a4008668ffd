"""`segue/Montage-v0`: the Gymnasium face of cutting shots to the beats of a tune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from segue.envs.base.single import SegueEnv
from segue.envs.base.task import Bound, Task
from segue.envs.base.vector import SegueVectorEnv
from segue.envs.montage import dynamics, expert, observation, optimum, render, views
from segue.envs.montage.expert import MontageAdvice
from segue.envs.montage.relaxation import Relaxation
from segue.envs.montage.stages import Stages
from segue.envs.montage.synthetic import synthetic_bank
from segue.envs.montage.types import FIRST, LENGTHS, PLACED, Bank, MontageBatch
from segue.rewards.base import WeightedSum
from segue.rewards.film import MONTAGE, MONTAGE_WITH_REUSE
from segue.rewards.film_view import CutView


class Montage(Task[MontageBatch]):
    """Rules and rewards over bins of shots; the arguments are those of `MontageEnv`."""

    def __init__(
        self,
        bank: Bank | None = None,
        observation_mode: str = "features",
        shots: int = 16,
        beats: int = 32,
        bins: int = 64,
        bin_seed: int = 0,
        reuse: bool = False,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[CutView] | None = None,
    ) -> None:
        if observation_mode not in observation.MODES:
            raise ValueError(
                f"observation_mode {observation_mode!r} is not one of {observation.MODES}"
            )
        self.bank = bank or synthetic_bank(bins, shots, beats, bin_seed)
        self.reuse = reuse
        reward = reward or (MONTAGE_WITH_REUSE if reuse else MONTAGE)
        self.reward = reward.with_weights(reward_weights or {})
        self.term_names = self.reward.names
        self.sizes = dynamics.action_sizes(self.bank.shots)
        self.action_space = spaces.MultiDiscrete(np.array(self.sizes))
        self.observation_space = observation.space(self.bank, observation_mode, reuse)
        self._frames = observation_mode == "frames"
        self._sets = observation_mode == "sets"
        self._static = observation.static_columns(self.bank)
        self._moving = observation.moving(self.bank)
        self._ahead = observation.music_ahead(self.bank)
        self._bounds: dict[int, Bound] = {}
        self._guides: dict[int, Relaxation] = {}

    def allocate(self, count: int) -> MontageBatch:
        """Make the buffers of `count` environments."""
        assert isinstance(self.observation_space, spaces.Dict)
        terms, beats = len(self.term_names), self.bank.beats
        return MontageBatch(
            reward=np.zeros(count),
            terms=np.zeros((terms, count)),
            terminated=np.zeros(count, dtype=np.bool_),
            mask=np.zeros((count, sum(self.sizes)), dtype=np.int8),
            observation={
                key: np.zeros((count, *(part.shape or ())), dtype=part.dtype)
                for key, part in self.observation_space.items()
            },
            bin=np.zeros(count, dtype=np.int64),
            beat=np.zeros(count, dtype=np.int64),
            cuts=np.zeros(count, dtype=np.int64),
            used=np.zeros((count, self.bank.shots), dtype=np.bool_),
            laid=np.zeros((count, self.bank.shots), dtype=np.int64),
            last_shot=np.full(count, FIRST),
            last_third=np.zeros(count, dtype=np.int64),
            last_mirrored=np.zeros(count, dtype=np.bool_),
            timeline=np.zeros((count, beats, PLACED), dtype=np.int64),
            piece_terms=np.zeros((count, beats, terms)),
        )

    def begin(
        self, batch: MontageBatch, rows: npt.NDArray[np.int64], draws: npt.NDArray[np.uint64]
    ) -> None:
        """Begin an episode with a bin of the bank in each of `rows`."""
        batch.bin[rows] = (draws % np.uint64(self.bank.bins)).astype(np.int64)
        batch.beat[rows] = 0
        batch.cuts[rows] = 0
        batch.used[rows] = False
        batch.laid[rows] = 0
        batch.last_shot[rows] = FIRST
        batch.last_third[rows] = 0
        batch.last_mirrored[rows] = False
        self._show(batch, rows)
        if self._frames:
            observation.write_sheets(self.bank, batch, rows, fresh=True)

    def step(self, batch: MontageBatch, actions: npt.NDArray[np.int64]) -> None:
        """Lay one piece in every row."""
        bank, live = self.bank, ~batch.terminated
        action, illegal = dynamics.replace_illegal(batch.mask, actions, self.sizes)
        shot, in_point, length, transition, effect = action.T
        beat = np.minimum(batch.beat, bank.beats - 1)
        piece = dynamics.place(bank, batch.bin, beat, shot, in_point, length, effect)
        view = views.look(
            bank,
            batch.bin,
            beat,
            batch.last_shot,
            batch.last_third,
            batch.last_mirrored,
            shot,
            transition,
            effect,
            piece,
            self._recency(batch, shot),
            unfilled := np.zeros(len(live)),
            illegal,
        )
        rows = np.flatnonzero(live)
        dynamics.transition(
            rows,
            action,
            piece.offset,
            piece.span,
            piece.beats,
            piece.exit,
            batch.timeline,
            batch.cuts,
            batch.beat,
            batch.used,
            batch.laid,
            batch.last_shot,
            batch.last_third,
            batch.last_mirrored,
        )
        self._show(batch, rows)
        # Known only now that the pieces lie: what stays empty at the end of a film.
        np.multiply(batch.terminated, 1.0 - batch.beat / bank.beats, out=unfilled)
        self._reward(batch, view, rows)
        if self._frames:
            observation.write_sheets(bank, batch, rows, fresh=False)

    def bound(self, batch: MontageBatch, row: int) -> Bound:
        """Exact optimum of small bins, a close upper bound of others; computed once a bin."""
        key = int(batch.bin[row])
        if key not in self._bounds:
            self._bounds[key] = optimum.bound(self.bank, self.reward, key, self.reuse)
        return self._bounds[key]

    def greedy(self, batch: MontageBatch, row: int) -> npt.NDArray[np.int64]:
        """Legal action of the greatest immediate reward *per beat*.

        Rewards are paid by the beat, so the plain maximum would only ever take the longest
        piece.
        """
        return expert.greedy_action(self.bank, self.reward, batch, row, self.reuse)

    def expert(self, batch: MontageBatch, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Actions (k, 5) of a strong editor that knows the whole bin: someone to imitate.

        Greatest immediate reward plus what the relaxation hopes for afterwards; the first call of
        a bin solves it.
        """
        return self.advice(batch, rows).actions

    def advice(self, batch: MontageBatch, rows: npt.NDArray[np.int64]) -> MontageAdvice:
        """Say what that editor thinks of every action."""
        guides = [self._guide(int(batch.bin[row])) for row in rows]
        return expert.advice(self.bank, self.reward, batch, rows, guides, self.reuse)

    def _guide(self, bin_: int) -> Relaxation:
        if bin_ not in self._guides:
            stages = Stages(self.bank, self.reward, bin_, self.reuse)
            self._guides[bin_] = optimum.solve(stages).relaxation
        return self._guides[bin_]

    def _recency(self, batch: MontageBatch, shot: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """How lately the shots of the actions were seen; see `CutView.recency`."""
        if not self.reuse:
            return views.FILLED
        laid = batch.laid[np.arange(len(shot)), shot]
        return np.where(laid > 0, 1.0 / (batch.cuts + 1 - laid), 0.0)

    def render(self, batch: MontageBatch, row: int) -> npt.NDArray[np.uint8]:
        """Strip of the timeline so far."""
        return render.picture(self.bank, batch, row)

    def _reward(self, batch: MontageBatch, view: CutView, rows: npt.NDArray[np.int64]) -> None:
        """Write the terms of `rows` and their sum; 0 for the others."""
        reward, terms = batch.reward, batch.terms
        for index, value in enumerate(self.reward.values(view)):
            terms[index] = value
        if len(rows) < len(reward):
            idle = np.ones(len(reward), dtype=np.bool_)
            idle[rows] = False
            terms[:, idle] = 0.0
        reward[:] = 0.0
        for values in terms:
            reward += values
        dynamics.keep(rows, terms, batch.cuts, batch.piece_terms)

    def _show(self, batch: MontageBatch, rows: npt.NDArray[np.int64]) -> None:
        """Write mask and feature observation of `rows`."""
        bank, view = self.bank, batch.observation
        assert isinstance(view, dict)
        dynamics.write_legal(
            rows,
            batch.bin,
            batch.beat,
            batch.cuts,
            batch.used,
            bank.frames,
            bank.beat_frames,
            LENGTHS,
            self.sizes[3],
            self.reuse,
            batch.mask,
            batch.terminated,
        )
        observation.encode(
            rows,
            batch.bin,
            batch.beat,
            batch.cuts,
            batch.laid,
            batch.last_shot,
            batch.last_third,
            batch.last_mirrored,
            batch.mask,
            self._static,
            self._ahead,
            bank.similarity,
            bank.position,
            bank.film,
            bank.features,
            self._moving,
            view["shots"],
            view["context"],
        )
        if self._sets:
            observation.encode_timeline(
                rows,
                batch.bin,
                batch.cuts,
                batch.last_shot,
                batch.last_mirrored,
                batch.timeline,
                bank.position,
                view["context"],
                view["timeline"],
                view["timeline_mask"],
            )
            view["shots_mask"][rows] = batch.mask[rows, : bank.shots]


class MontageEnv(SegueEnv[MontageBatch]):
    """Cut shots to the beats of a piece of music, one piece of film at a time.

    ## Description
    The agent has a bin of shots and the beats of a piece of music. Each action lays one piece
    at the end of the timeline: which shot, from where, how many beats long, entered by which
    transition and under which effect. Every piece begins on a beat; no shot comes twice, unless
    `reuse` allows it. The film's length in beats is the budget: no piece may overrun it, and what
    stays empty costs. Each episode draws a bin, so that a policy must read the shots. Bins come
    from analysed footage (`segue.envs.montage.generator`) or, by default, from a procedure
    (`segue.envs.montage.synthetic`).

    ## Action Space
    `MultiDiscrete([n, 3, 6, 15, 20])`: shot; in-point (at the start, in the middle, at the end of
    what the shot can spare); length (1, 2, 3, 4, 6 or 8 beats); transition and effect, in the
    order of `segue.envs.film.transitions.TRANSITIONS` (from plain cut to J- and L-cut) and
    `segue.envs.film.effects.EFFECTS`, so that those of one's own count, too. A length that the
    shot cannot fill is shortened to the longest that it can. A match cut is a plain cut; it pays
    where the in-point lets the old picture's movement go on. J- and L-cuts move the sound of the
    pieces against the picture. Legal are: an unused shot (any with `reuse`) that can fill a beat;
    a length within what is left; a plain cut on the first piece. An illegal part is replaced by
    the first legal one of its kind, and the action costs the weight of the term `legality`. Masks,
    one part after the other: ``info["action_mask"]`` (int8) and `action_masks()` (bool).

    ## Observation Space
    `Dict`: ``shots`` (n * 39,) and ``context`` (43,), float32, as `observation.space` lists them;
    in mode ``frames`` also ``contact_sheet`` (uint8, the shots' thumbnails, black where used). In
    mode ``sets`` also ``timeline`` (m * 16,), all pieces laid so far, for agents that attend to
    sets (``policy: attention``), and ``shots_mask`` (n,) and ``timeline_mask`` (m,), int8: 1
    where the shot may come next, and where there is a piece. m is the most pieces that there may
    be: one a shot, with `reuse` one a beat.

    ## Rewards
    The sum of the weighted terms of `segue.rewards.film.MONTAGE`: sync, pacing, continuity,
    jump_cut, diversity, quality, stillness, energy, order, transition_fit, effect_fit, duration,
    legality; with `reuse` also reuse, a cost by how lately the shot was seen. All but duration and
    legality are weighted by the part of the film that the piece fills, so that the return is a
    mean over the film's time. ``info["reward_terms"]`` holds each; they add up to the reward.

    ## Starting State
    An empty timeline and a bin of the bank, chosen by the seed.

    ## Episode End
    Terminates when the film is full, or when no shot is left that can fill a beat (then
    `duration` costs what is empty). Never truncates.

    ## Arguments
    - `bank` (Bank, default None): bins of real shots and the beats; None makes bins up.
    - `observation_mode` (str, default "features"): or "frames" or "sets".
    - `shots`, `beats`, `bins`, `bin_seed` (int, default 16, 32, 64, 0): size of made-up bins,
      length of the film in beats, how many bins, and their seed; take another for testing.
    - `reuse` (bool, default False): a shot may come again, at a cost.
    - `reward_weights` (mapping, default None): weights that replace the reward's, by term.
    - `reward` (WeightedSum, default None): terms and weights, such as some of one's own; None
      takes `MONTAGE`, with `reuse` `MONTAGE_WITH_REUSE`.
    - `render_mode` (str, default None): `"rgb_array"` gives the strip of the timeline.

    ## Version History
    - v0: first version.
    """

    def __init__(
        self,
        bank: Bank | None = None,
        observation_mode: str = "features",
        shots: int = 16,
        beats: int = 32,
        bins: int = 64,
        bin_seed: int = 0,
        reuse: bool = False,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[CutView] | None = None,
        render_mode: str | None = None,
    ) -> None:
        task = Montage(
            bank, observation_mode, shots, beats, bins, bin_seed, reuse, reward_weights, reward
        )
        super().__init__(task, render_mode)


class MontageVectorEnv(SegueVectorEnv[MontageBatch]):
    """Many montages at once; see `MontageEnv` and `SegueVectorEnv`."""

    def __init__(
        self,
        num_envs: int = 1,
        bank: Bank | None = None,
        observation_mode: str = "features",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        task = Montage(bank, observation_mode, **options)
        super().__init__(task, num_envs, autoreset_mode, render_mode)
