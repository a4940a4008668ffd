"""`segue/Melody-v0`: the Gymnasium face of RL Tuner's task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from segue.envs.base.errors import SegueError
from segue.envs.base.kernel import bind
from segue.envs.base.single import SegueEnv
from segue.envs.base.task import Batch, Bound, Observation, Task
from segue.envs.base.vector import SegueVectorEnv
from segue.envs.melody import asking, observation, optimum, render, stepping
from segue.envs.melody.asking import Prior
from segue.envs.melody.judge import Judge, judge_of, of_ended
from segue.envs.melody.ngram import NGramPrior, NGramTables
from segue.envs.melody.reward_grid import JUDGED, lay_out
from segue.envs.melody.types import HIDDEN_WORDS, NO_TOKEN, SEEN_WORDS, STEP, TOKENS
from segue.envs.music.piano_roll import piano_roll
from segue.envs.music.tune import Tune
from segue.rewards.base import WeightedSum
from segue.rewards.melody_view import MelodyView
from segue.rewards.phrase import PHRASE
from segue.rewards.rl_tuner import RL_TUNER

PRESETS: dict[str, WeightedSum[MelodyView]] = {"segue": PHRASE, "rl-tuner": RL_TUNER}
"""Rewards by the name that the argument `reward` takes."""

Reward = str | WeightedSum[MelodyView]

_NO_TABLES = NGramTables(
    np.zeros((1, 1, 1, 1, 1), dtype=np.float32),
    np.zeros((1, 1, 1), dtype=np.uint16),
    np.zeros((1, 1), dtype=np.float32),
)


@dataclass(frozen=True)
class MelodyBatch(Batch):
    """Batch of melodies.

    Attributes
    ----------
    seen : ndarray (n, columns) int8
        One row an environment, by the columns named in `types`: what `observation` is, or the
        situation in it.
    history : ndarray (n, STEPS) int8
        Tokens played, the newest first, then NO_TOKEN.
    hidden : ndarray (n, HIDDEN_WORDS) int64
        The rest of the state, likewise, by the words named in `types`.
    outcome : ndarray (1 + terms, n) float64
        What `reward` and `terms` are views of.
    given : ndarray (n,) float64
        Log-probabilities of the last actions, where the prior is no n-gram.
    known : ndarray (n, TOKENS) float64
        Those of the tokens to come, where the agent sees them and the prior is no n-gram; else
        (n, 0).
    judged : ndarray (n,) float64
        What the judge says of the melodies that the last actions ended, 0 for others; without a
        judge (0,).
    play : callable
        `stepping.step_batch`, bound to these arrays.
    """

    seen: npt.NDArray[np.int8]
    history: npt.NDArray[np.int8]
    hidden: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.float64]
    given: npt.NDArray[np.float64]
    known: npt.NDArray[np.float64]
    judged: npt.NDArray[np.float64]
    play: Callable[[npt.NDArray[np.int64]], None]

    def tokens(self, row: int) -> npt.NDArray[np.int8]:
        """Tokens of the episode in `row` so far, the first one first."""
        return self.history[row, : self.seen[row, STEP]][::-1]

    def take(self, other: MelodyBatch, rows: npt.NDArray[np.int64]) -> None:
        """Go on from the states in `rows` (n,) of another batch, which may be this one."""
        self.seen[:], self.hidden[:] = other.seen[rows], other.hidden[rows]
        self.history[:] = other.history[rows]
        self.known[:] = other.known[rows]


class Melody(Task[MelodyBatch]):
    """Rules, reward and prior; the arguments are those of `MelodyEnv`."""

    def __init__(
        self,
        reward: Reward = "segue",
        prior: Prior = None,
        reward_weights: Mapping[str, float] | None = None,
        observation_mode: str = "features",
        judge: Judge = None,
    ) -> None:
        if observation_mode not in observation.MODES:
            raise SegueError(
                f"Unknown observation_mode {observation_mode!r}; choose one of "
                f"{', '.join(observation.MODES)}."
            )
        self.reward = _reward(reward).with_weights(reward_weights or {})
        self.prior, self.judge = asking.prior_of(prior), judge_of(judge)
        self.table = lay_out(self.reward, self.prior is not None, self.judge is not None)
        self.term_names = self.table.names
        self.action_space = spaces.Discrete(TOKENS)
        self.observation_space = observation.space(observation_mode)
        self._mode = observation_mode
        if observation_mode == "prior" and self.prior is None:
            raise SegueError(
                "observation_mode is 'prior', but there is no prior to show; give one, such as "
                "prior='corpus'."
            )
        if self.judge is not None and JUDGED not in self.table.reads:
            raise SegueError(
                "No term of the reward looks at what a judge says; leave the argument judge out, "
                "or choose a reward with the term realism, such as reward='segue'."
            )
        self._bound: Bound | None = None

    def allocate(self, count: int) -> MelodyBatch:
        """Make the buffers of `count` environments."""
        outcome = np.zeros((1 + len(self.term_names), count))
        hidden = np.zeros((count, HIDDEN_WORDS), dtype=np.int64)
        history = np.zeros((count, SEEN_WORDS), dtype=np.int64)
        seen = np.zeros((count, SEEN_WORDS), dtype=np.int64)
        terminated = np.zeros(count, dtype=np.bool_)
        given, known = np.zeros(count), np.zeros((count, 0))
        # Read-only, so that it is no part of checkpoints.
        judged = _read_only(np.zeros(0)) if self.judge is None else np.zeros(count)
        source, tables = stepping.NO_PRIOR, _NO_TABLES
        if isinstance(self.prior, NGramPrior):
            source, tables = stepping.N_GRAM, self.prior.tables
        elif self.prior is not None:
            source = stepping.GIVEN
            known = np.zeros((count, TOKENS if self._mode == "prior" else 0))
        grid, table = self.table.grid, self.table
        return MelodyBatch(
            reward=outcome[0],
            terms=outcome[1:],
            terminated=terminated,
            mask=_read_only(np.ones((count, TOKENS), dtype=np.int8)),
            observation=self._observed(seen.view(np.int8), history.view(np.int8)),
            seen=seen.view(np.int8),
            history=history.view(np.int8),
            hidden=hidden,
            outcome=outcome,
            given=given,
            known=known,
            judged=judged,
            play=bind(
                stepping.step_batch,
                seen.reshape(-1),
                history.reshape(-1),
                hidden.reshape(-1),
                grid.values,
                grid.groups,
                table.curves,
                table.reads,
                source,
                *(_read_only(part) for part in tables),
                given,
                _read_only(judged),
                outcome,
                terminated,
            ),
        )

    def _observed(self, seen: npt.NDArray[np.int8], history: npt.NDArray[np.int8]) -> Observation:
        """Observation made of the state itself, so that showing it costs nothing."""
        if self._mode == "tokens":
            return {
                "tokens": history,
                "tokens_mask": np.zeros_like(history),
                "situation": seen[:, : observation.SITUATION],
            }
        if self._mode == "prior":
            chances = np.zeros((len(seen), TOKENS), dtype=np.float32)
            return {"features": seen, "prior_log_p": chances}
        return seen

    def begin(
        self,
        batch: MelodyBatch,
        rows: npt.NDArray[np.int64],
        draws: npt.NDArray[np.uint64],
    ) -> None:
        """Begin an episode in each of `rows`, with a priming token."""
        stepping.begin_batch(batch.seen, batch.history, batch.hidden, rows, draws, batch.terminated)
        self._show(batch, rows)

    def step(self, batch: MelodyBatch, actions: npt.NDArray[np.int64]) -> None:
        """Write one token in every row; `actions` (n,) is int64 and contiguous."""
        if self.prior is not None and not isinstance(self.prior, NGramPrior):
            parts = batch.seen, batch.history, batch.known, actions, batch.given
            asking.of_actions(self.prior, *parts)
        if self.judge is not None:
            of_ended(self.judge, batch.seen, batch.history, actions, batch.judged)
        batch.play(actions)
        if self._mode != "features":
            self._show(batch, np.arange(len(actions)))

    def _show(self, batch: MelodyBatch, rows: npt.NDArray[np.int64]) -> None:
        """Bring what `rows` show beside the state up to date."""
        shown = batch.observation
        if not isinstance(shown, dict):
            return
        if self._mode == "tokens":
            np.not_equal(batch.history, NO_TOKEN, out=shown["tokens_mask"].view(np.bool_))
        elif isinstance(self.prior, NGramPrior):
            asking.show_ngram(self.prior.tables, batch.seen, rows, shown["prior_log_p"])
        elif self.prior is not None:
            asking.of_tokens(self.prior, batch.seen, batch.history, rows, batch.known)
            asking.show(batch.known, rows, shown["prior_log_p"])

    def bound(self, batch: MelodyBatch, row: int) -> Bound:
        """Upper bound of the return, the same for every episode."""
        if self._bound is None:
            known = self.prior is not None, self.judge is not None
            self._bound = Bound(optimum.upper_bound(self.reward, *known), exact=False)
        return self._bound

    def greedy(self, batch: MelodyBatch, row: int) -> npt.NDArray[np.int64]:
        """Token of the greatest immediate reward; the lowest of equal ones."""
        trial = self.allocate(TOKENS)
        trial.take(batch, np.full(TOKENS, row))
        self.step(trial, np.arange(TOKENS))
        return np.asarray(trial.reward.argmax())

    def tune(self, batch: MelodyBatch, row: int, title: str = "") -> Tune:
        """Tune of the episode in `row` so far."""
        return render.to_tune(batch.tokens(row), title)

    def render(self, batch: MelodyBatch, row: int) -> npt.NDArray[np.uint8]:
        """Piano roll of the episode in `row` so far."""
        return piano_roll(self.tune(batch, row))


def _reward(reward: Reward) -> WeightedSum[MelodyView]:
    if isinstance(reward, WeightedSum):
        return reward
    if reward not in PRESETS:
        raise SegueError(f"Unknown reward {reward!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[reward]


def _read_only(table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Arrays of every origin alike, so that the kernel is compiled once."""
    view = table.view()
    view.setflags(write=False)
    return view


class MelodyEnv(SegueEnv[MelodyBatch]):
    """Write a two-bar melody, one sixteenth at a time: RL Tuner's task.

    ## Description
    Jaques, Gu, Turner & Eck (*Tuning Recurrent Neural Networks with Reinforcement Learning*, 2017)
    tuned a melody model with rules of music theory. This is their task: 32 sixteenths of 4/4 in C
    major, 38 tokens, and either the published rules and values (`reward="rl-tuner"`) or segue's
    own (`reward="segue"`), with or without the log-probability of a sequence model as a term.

    ## Action Space
    `Discrete(38)`: 0 ends the note that sounds, 1 changes nothing (the note is held, or silence
    goes on), 2 + p begins the pitch ``48 + p`` (MIDI, C3 to B5). All are always legal. An action
    that is no token counts as note off and costs the weight of the term `legality`. Masks:
    ``info["action_mask"]`` (int8) and `action_masks()` (bool), all ones.

    ## Observation Space
    `MultiDiscrete`, 32 integers (int8), one-hot 639 wide. Sixteenths written; priming token;
    sixteenths since the last onset or off (16 = 16 and more, 0 = none) and between the two
    before; whether a note sounds; the last four pitches (0-35, 36 = none); holds and offs since
    the last onset, onsets in a row of its pitch, whether holds or offs stand among them;
    direction of the unresolved leap (0 none, 1 up, 2 down), the pitch before it, sixteenths since
    the last leap; highest pitch plus one and lowest pitch, each with how often it was struck
    (2 = more); direction of the last move (0 none, 1 up, 2 down, 3 same), moves in a row that
    way, onsets in a row that come back; distinct pitches in the last seven tokens; sixteenths so
    far of returning motifs; the moves, then the tokens (38 = none), half a bar and a bar before
    the token to come; how many of the last seven tokens stand in this order earlier, too, and the
    token that followed there; mean surprise of the intervals in eighths of a bit.

    In mode ``tokens`` a `Dict` of integers (int8): ``tokens``, the 32 of the melody, the newest
    first (38 = not yet written); ``tokens_mask``, 1 for those written; ``situation``: sixteenths
    written and priming token. The return depends on nothing else.

    In mode ``prior`` a `Dict` of the 32 integers, ``features``, and ``prior_log_p``: what the
    prior says of each token to come, 38 log-probabilities in nats (float32, cut off at -50; all
    alike after the last token).

    ## Rewards
    The sum of the weighted terms of `segue.rewards.phrase.PHRASE` or of
    `segue.rewards.rl_tuner.RL_TUNER`. ``info["reward_terms"]`` holds each; they add up to the
    reward. The published reward is ``log p + rules / c``, c = 1. Without a prior the term `prior`
    is left out, without a judge the term `realism`.

    ## Starting State
    Nothing written. As RL Tuner does, the agent is primed with a token, 0 to 36, chosen by the
    seed: it is seen but is no part of the melody, and neither rules nor prior look at it.

    ## Episode End
    Terminates after 32 tokens. Never truncates.

    ## Arguments
    - `reward` (str or WeightedSum, default "segue"): "segue", "rl-tuner", or terms and weights
      of one's own.
    - `prior` (str, SequencePrior or None, default None): "corpus" is an n-gram fitted to the
      default corpora at first use, which takes a while; "module:attribute" names a model or what
      makes one, such as "segue.agents.generators.pretrained:attention"; or a model of one's own.
      A model is asked at every step, unless it is an `NGramPrior`, which runs compiled. None needs
      no corpus.
    - `reward_weights` (mapping, default None): weights that replace the reward's, by term.
    - `observation_mode` (str, default "features"): or "tokens", for agents that read the melody
      itself, such as those with ``policy: attention``; or "prior", for those that hold on to the
      prior, such as g-learning.
    - `judge` (str, MelodyJudge or None, default None): says of each whole melody how likely a
      person made it, for the term `realism` of "segue"; "module:attribute" names a judge or what
      makes one, such as "segue.agents.generators.pretrained:scorer"; or an object with
      ``score(tokens)``. It is asked at an episode's last step, once for all melodies that end
      there.
    - `render_mode` (str, default None): `"rgb_array"` gives the piano roll.

    ## Version History
    - v0: first version.
    """

    def __init__(
        self,
        reward: Reward = "segue",
        prior: Prior = None,
        reward_weights: Mapping[str, float] | None = None,
        observation_mode: str = "features",
        render_mode: str | None = None,
        judge: Judge = None,
    ) -> None:
        task = Melody(reward, prior, reward_weights, observation_mode, judge)
        super().__init__(task, render_mode)

    @property
    def melody(self) -> Melody:
        """The task behind this environment."""
        assert isinstance(self.task, Melody)
        return self.task

    def tune(self, title: str = "") -> Tune:
        """Tune of the episode so far."""
        return self.melody.tune(self.batch, 0, title)


class MelodyVectorEnv(SegueVectorEnv[MelodyBatch]):
    """Many melodies at once; see `MelodyEnv` and `SegueVectorEnv`."""

    def __init__(
        self,
        num_envs: int = 1,
        reward: Reward = "segue",
        prior: Prior = None,
        reward_weights: Mapping[str, float] | None = None,
        observation_mode: str = "features",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        judge: Judge = None,
    ) -> None:
        task = Melody(reward, prior, reward_weights, observation_mode, judge)
        super().__init__(task, num_envs, autoreset_mode, render_mode)
