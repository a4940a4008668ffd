"""What `segue train` and `segue evaluate` give, and its copy in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.evaluation import Bounds, Evaluation
from segue.experiments.learning import Curve
from segue.experiments.run_result import RunResult, Scores, read_result, write_result
from segue.experiments.train_config import TrainConfig


@dataclass(frozen=True)
class TrainResult:
    """What a run gave.

    Attributes
    ----------
    run : Path
        Its folder.
    steps : int
        Steps made in all.
    seconds : float
        Wall-clock of this call's training.
    evaluation : Evaluation
        Of the trained agent.
    others : list of Evaluation
        Random and greedy, on the same episodes.
    bounds : Bounds or None
        Of the same episodes.
    curve : Curve
        Return while it learnt; empty for agents that learn a table or only imitate.
    agreement : mapping of str to float
        Of an agent that only imitates, with demonstrations that were held out; see
        `segue.experiments.beginning.agreement`.
    """

    run: Path
    steps: int
    seconds: float
    evaluation: Evaluation
    others: list[Evaluation]
    bounds: Bounds | None
    curve: Curve
    agreement: Mapping[str, float]

    @property
    def fraction(self) -> float | None:
        """Mean return over the mean bound; None without bounds.

        A ratio means nothing where a bound is not above 0, as where all rewards are costs: there,
        it is the fraction of the way from random play to the bound.
        """
        if self.bounds is None:
            return None
        bound, zero = self.bounds.mean, 0.0
        if self.bounds.values.min() <= 0:
            random = [other.mean for other in self.others if other.name == "random"]
            if not random or random[0] >= bound:
                return None
            zero = random[0]
        return (self.evaluation.mean - zero) / (bound - zero)

    def as_json(self) -> dict[str, Any]:
        """Record for ``--json``."""
        record: dict[str, Any] = {
            "run": str(self.run),
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "mean_return": self.evaluation.mean,
            "interval": list(self.evaluation.interval()),
            "baselines": {other.name: other.mean for other in self.others},
        }
        if self.fraction is not None and self.bounds is not None:
            key = "fraction_of_optimum" if self.bounds.exact else "fraction_of_bound"
            record[key] = self.fraction
        if self.agreement:
            record["agreement"] = dict(self.agreement)
        return record

    def keep(self, config: TrainConfig, goes_on: bool) -> Path:
        """Write ``result.json`` into the run's folder.

        Parameters
        ----------
        config : TrainConfig
            Of the run.
        goes_on : bool
            Whether the time that an earlier result tells is part of this run's.

        Raises
        ------
        SegueError
            If the folder cannot be written to, or a return is not finite.
        """
        seconds, bounds = self.seconds, self.bounds
        if goes_on:
            with suppress(SegueError):
                seconds += read_result(self.run).seconds
        try:
            result = RunResult(
                env=config.env,
                agent=config.agent,
                seed=config.seed,
                steps=self.steps,
                seconds=seconds,
                test_seeds=tuple(
                    range(config.eval_seed, config.eval_seed + len(self.evaluation.returns))
                ),
                returns=tuple(self.evaluation.returns.tolist()),
                terms=self.evaluation.terms,
                baselines={
                    other.name: Scores(tuple(other.returns.tolist()), other.terms)
                    for other in self.others
                },
                bounds=None if bounds is None else tuple(bounds.values.tolist()),
                exact=bounds is not None and bounds.exact,
                curve_steps=tuple(self.curve.steps),
                curve_returns=tuple(self.curve.returns),
                agreement=self.agreement,
            )
        except ValueError as error:
            raise SegueError(
                f"what {self.run} gave cannot be kept ({error}); look at the rewards of "
                f"{config.env}."
            ) from error
        return write_result(self.run, result)


__all__ = ["TrainResult"]
