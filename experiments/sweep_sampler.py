"""Drawing the settings of trials with Optuna, so that they depend on nothing but seed and results.

Trials are asked for in batches, and what they gave is told in order of their numbers when the whole
batch has run; which run ends first, on how many workers, plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from segue.experiments.sweep_plan import SweepConfig, Trial
from segue.experiments.sweep_space import Choice, Dimension, FloatRange, rounded

if TYPE_CHECKING:
    import optuna

BATCH = 4
"""Trials that the tree-structured Parzen estimator draws at a time."""
STARTING = 0.25
"""Share of its trials that are drawn at random at first, at least one batch."""


class Sampler:
    """Draws trials.

    A random sampler draws all at once (Bergstra & Bengio 2012). The tree-structured Parzen
    estimator (``"tpe"``, Bergstra et al. 2011) draws `BATCH` at a time, those of one batch apart
    from each other, by what the batches before it gave.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    """

    def __init__(self, config: SweepConfig) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._dimensions = config.space.dimensions()
        self._left = config.trials
        self._batch = config.trials
        sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=config.seed)
        if config.sampler == "tpe":
            self._batch = BATCH
            first = max(BATCH, round(STARTING * config.trials))
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=first, seed=config.seed, constant_liar=True
            )
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._asked: dict[int, optuna.trial.Trial] = {}

    def ask(self) -> list[Trial]:
        """Draw the next batch; empty when all trials are drawn."""
        count = min(self._batch, self._left)
        self._left -= count
        return [self._draw() for _ in range(count)]

    def tell(self, values: Sequence[tuple[Trial, float | None]]) -> None:
        """Say what the trials of a batch are worth; None of one that failed."""
        import optuna

        for trial, value in values:
            asked = self._asked.pop(trial.number)
            if value is None:
                self._study.tell(asked, state=optuna.trial.TrialState.FAIL)
            else:
                self._study.tell(asked, value)

    def _draw(self) -> Trial:
        distributions = {path: _distribution(one) for path, one in self._dimensions.items()}
        asked = self._study.ask(distributions)
        self._asked[asked.number] = asked
        settings = {path: _value(asked.params[path], one) for path, one in self._dimensions.items()}
        return Trial(asked.number, settings)


def _distribution(dimension: Dimension) -> optuna.distributions.BaseDistribution:
    from optuna import distributions

    if isinstance(dimension, Choice):
        # By place: Optuna takes no lists, and 1 for True.
        return distributions.CategoricalDistribution(range(len(dimension.values)))
    if isinstance(dimension, FloatRange):
        return distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    return distributions.IntDistribution(dimension.low, dimension.high, log=dimension.log)


def _value(drawn: Any, dimension: Dimension) -> Any:
    if isinstance(dimension, Choice):
        return dimension.values[drawn]
    if isinstance(dimension, FloatRange):
        return rounded(drawn, dimension)
    return int(drawn)
