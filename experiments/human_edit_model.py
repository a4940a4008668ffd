"""How well the next shot of people's edits can be learnt, beside what is foretold without learning.

Every edit, a reel of a film, is foretold by models that were fitted to the others. Where there is
only one edit, its second half is foretold by models that were fitted to its first: reels of tape or
cards in it are no parts that stand alone, since the film goes back and forth between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segue.agents.film import (
    Choices,
    NextSetup,
    Reel,
    choices_of,
    fit_next_setup,
    fit_shot_length,
    reel_of,
)
from segue.agents.film.reel import Flags, Floats, Integers
from segue.envs.film.human_edit_statistics import (
    Predictor,
    before_last,
    fit_length_model,
    most_frequent,
)
from segue.envs.film.human_edits import HumanEdit
from segue.experiments.progress import Tell
from segue.experiments.statistics import LEVEL, Estimate

LEAST_SHOTS = 30
"""Shots that a model is fitted to at least, not counting the first two of each edit."""

BLOCK = 20
"""Neighbouring shots that are drawn together for an interval, as they belong to one scene."""
RESAMPLES = 2_000
"""How often they are drawn."""


@dataclass(frozen=True)
class Foretold:
    """Shares of next set-ups that were foretold.

    Attributes
    ----------
    before_last, most_frequent : Estimate
        By the rules of `segue.envs.film.human_edit_statistics`.
    learnt : Estimate
        By the learnt model.
    gain : Estimate
        What `learnt` has above `before_last`.
    """

    before_last: Estimate
    most_frequent: Estimate
    learnt: Estimate
    gain: Estimate


@dataclass(frozen=True)
class SetupFigures:
    """How well next set-ups are foretold.

    Attributes
    ----------
    choices : int
        Next set-ups that were foretold, from the third shot of an edit on.
    new : float
        Share of them that the edit had not used before; what knows only used ones misses them.
    untold : Foretold
        Nothing is known but the shots before and, to the learnt model, what is in the bin.
    used_only : Estimate
        The same, the learnt model naming only set-ups used before, as the rules do.
    scene_told : Foretold
        The scene of the next shot is told, as to an editor who assembles a scripted scene: the
        learnt model guesses among its set-ups, and the rules heed only its shots so far.
    """

    choices: int
    new: float
    untold: Foretold
    used_only: Estimate
    scene_told: Foretold


@dataclass(frozen=True)
class LengthFigures:
    """How well lengths are foretold, in nats a shot.

    Attributes
    ----------
    shots : int
        Shots whose length was foretold.
    baseline, learnt : Estimate
        Mean log density of a length in seconds under the AR(1) log-normal and the learnt model.
    gain : Estimate
        What `learnt` has above `baseline`.
    """

    shots: int
    baseline: Estimate
    learnt: Estimate
    gain: Estimate


@dataclass(frozen=True)
class Learnt:
    """What was learnt, and how it was tested.

    Attributes
    ----------
    protocol : str
        ``"leave one edit out"`` or ``"first half tells the second"``.
    setups : SetupFigures
        Each camera's set-ups on their own.
    slates : SetupFigures
        The cameras of one slate as one set-up.
    lengths : LengthFigures
        Lengths of shots.
    """

    protocol: str
    setups: SetupFigures
    slates: SetupFigures
    lengths: LengthFigures


@dataclass(frozen=True)
class _Fold:
    """What is learnt from, the reel that is foretold, and its first shot that counts."""

    others: tuple[int, ...]
    reel: int
    first: int


def learn(edits: Sequence[HumanEdit], tell: Tell | None = None, seed: int = 0) -> Learnt | None:
    """Fit and test the models.

    Parameters
    ----------
    edits : sequence of HumanEdit
        One a reel.
    tell : callable or None
        Told how far it has come.
    seed : int
        Of the intervals' resampling; the models themselves depend on none.

    Returns
    -------
    Learnt or None
        None where some model would have fewer than `LEAST_SHOTS` shots to learn from.
    """
    tell = tell or (lambda share, text: None)
    reels = [reel for reel in map(reel_of, edits) if len(reel.setups)]
    protocol = "leave one edit out"
    if len(reels) == 1:
        protocol, half = "first half tells the second", len(reels[0].setups) // 2
        reels = [reels[0].until(half), reels[0]]
        folds = [_Fold((0,), 1, half)]
    else:
        every = range(len(reels))
        folds = [_Fold(tuple(i for i in every if i != one), one, 0) for one in every]
    if not folds or any(
        sum(max(len(reels[other].setups) - 2, 0) for other in fold.others) < LEAST_SHOTS
        for fold in folds
    ):
        return None
    tell(0.0, "learning set-ups")
    setups, slates = _setup_figures(reels, folds, seed)
    tell(0.7, "learning lengths")
    return Learnt(protocol, setups, slates, _length_figures(reels, folds, seed))


def learnt_rows(learnt: Learnt | None) -> list[tuple[str, str]]:
    """The figures in words: what each is, and its value with a 95 % interval."""
    if learnt is None:
        said = f"too little to learn from: {LEAST_SHOTS} shots besides the edit that is foretold"
        return [("learnt models", said)]
    rows = [("learnt models, tested so", learnt.protocol)]
    rows += _setup_rows("set-up", learnt.setups)
    if learnt.slates is not learnt.setups:
        rows += _setup_rows("slate (its cameras as one)", learnt.slates)
    lengths = learnt.lengths
    return [
        *rows,
        ("log density of a length, learnt model", _nats(lengths.learnt)),
        ("  above AR(1) log-normal, a shot", _nats(lengths.gain)),
    ]


def _setup_rows(what: str, of: SetupFigures) -> list[tuple[str, str]]:
    rows = [(f"next {what} not used before", f"{100 * of.new:.1f} %")]
    for told, one in (("", of.untold), (", its scene told", of.scene_told)):
        if told and one == of.untold:
            continue  # No slate tells a scene.
        rows += [
            (f"next {what}{told}: the one before last", _percent(one.before_last)),
            (f"next {what}{told}: the most frequent so far", _percent(one.most_frequent)),
            (f"next {what}{told}: learnt model", _percent(one.learnt)),
            ("  above the one before last", _percent(one.gain, "points")),
        ]
    rows.insert(5, ("  naming only those used before", _percent(of.used_only)))
    return rows


def _percent(of: Estimate, unit: str = "%") -> str:
    return f"{100 * of.value:.1f} {unit} ({100 * of.low:.1f} to {100 * of.high:.1f})"


def _nats(of: Estimate) -> str:
    return f"{of.value:.3f} ({of.low:.3f} to {of.high:.3f})"


def _setup_figures(
    reels: Sequence[Reel], folds: Sequence[_Fold], seed: int
) -> tuple[SetupFigures, SetupFigures]:
    """By cameras and by slates; the same object where no slate has two cameras."""
    choices = [choices_of(reel) for reel in reels]
    models = [fit_next_setup([choices[other] for other in fold.others]) for fold in folds]

    def counted(by_slate: bool) -> SetupFigures:
        found: dict[str, list[Floats]] = {}
        for fold, model in zip(folds, models, strict=True):
            hits = _hits(reels[fold.reel], choices[fold.reel], model, by_slate)
            for name, values in hits.items():
                rest = values[max(fold.first - 2, 0) :].astype(np.float64)
                found.setdefault(name, []).append(rest)
        new = np.concatenate(found["new"])
        return SetupFigures(
            choices=len(new),
            new=float(new.mean()),
            untold=_foretold(found, "untold", seed),
            used_only=_mean_of_blocks(found["used only"], seed),
            scene_told=_foretold(found, "told", seed),
        )

    setups = counted(by_slate=False)
    plain = all(len(set(reel.slates.tolist())) == len(reel.bin) for reel in reels)
    return setups, setups if plain else counted(by_slate=True)


def _hits(reel: Reel, own: Choices, model: NextSetup, by_slate: bool) -> dict[str, Flags]:
    """What was foretold of a reel's set-ups or slates from the third shot on."""
    labels = reel.slates if by_slate else np.arange(len(reel.bin))
    shown = labels[reel.setups]
    hits = {
        "new": np.array([shown[shot] not in shown[:shot] for shot in range(2, len(shown))], bool),
        "used only": model.hits(own, own.used, by_slate),
        "untold learnt": model.hits(own, None, by_slate),
        "told learnt": model.hits(own, own.in_scene, by_slate),
    }
    for rule in (before_last, most_frequent):
        for told in (False, True):
            name = f"{'told' if told else 'untold'} {rule.__name__}"
            hits[name] = _rule_hits(shown, reel.scenes[reel.setups], rule, told)
    return hits


def _foretold(found: Mapping[str, list[Floats]], told: str, seed: int) -> Foretold:
    learnt, rule = found[f"{told} learnt"], found[f"{told} before_last"]
    return Foretold(
        before_last=_mean_of_blocks(rule, seed),
        most_frequent=_mean_of_blocks(found[f"{told} most_frequent"], seed),
        learnt=_mean_of_blocks(learnt, seed),
        gain=_mean_of_blocks([a - b for a, b in zip(learnt, rule, strict=True)], seed),
    )


def _rule_hits(shown: Integers, scenes: Integers, rule: Predictor, scene_told: bool) -> Flags:
    """Whether a rule names what each shot shows from the third shot on.

    Of a scene that is told only the shots so far count; where there are fewer than two of them,
    the rule has the only one to name, or none.
    """
    hits = []
    for shot in range(2, len(shown)):
        past = shown[:shot]
        if scene_told:
            past = past[scenes[:shot] == scenes[shot]]
        names = [str(name) for name in past]
        guess = rule(names) if len(names) > 1 else "".join(names)
        hits.append(guess == str(shown[shot]))
    return np.array(hits, np.bool_)


def _length_figures(reels: Sequence[Reel], folds: Sequence[_Fold], seed: int) -> LengthFigures:
    learnt, baseline = [], []
    for fold in folds:
        others = [reels[other] for other in fold.others]
        own = reels[fold.reel]
        plain = fit_length_model([one.seconds.tolist() for one in others])
        learnt.append(fit_shot_length(others).log_densities(own)[fold.first :])
        likelihoods = plain.log_likelihoods(own.seconds.tolist())
        baseline.append(np.array(likelihoods)[fold.first :])
    gain = [a - b for a, b in zip(learnt, baseline, strict=True)]
    return LengthFigures(
        shots=sum(map(len, gain)),
        baseline=_mean_of_blocks(baseline, seed),
        learnt=_mean_of_blocks(learnt, seed),
        gain=_mean_of_blocks(gain, seed),
    )


def _mean_of_blocks(edits: Sequence[Floats], seed: int) -> Estimate:
    """Mean of all values, its interval by drawing blocks of neighbours anew."""
    blocks = [
        np.array_split(values, max(round(len(values) / BLOCK), 1))
        for values in edits
        if len(values)
    ]
    flat = [block for of_one in blocks for block in of_one]
    sums, sizes = np.array([b.sum() for b in flat]), np.array([len(b) for b in flat])
    drawn = np.random.default_rng(seed).integers(len(flat), size=(RESAMPLES, len(flat)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    tail = (1.0 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Estimate(float(sums.sum() / sizes.sum()), float(low), float(high))
