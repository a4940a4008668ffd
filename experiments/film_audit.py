"""What the audits of film rewards share: how people, random play and exploits are compared.

Each audit plays edits of three kinds through an environment, which scores them term by term: those
of people, random ones that keep the rules, and exploits. A reward that may be trained on ranks
people above random-valid, and random-valid above each exploit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.experiments.audit import WHOLE, Rate, Scores, rate_of
from segue.experiments.audit_tables import rates_markdown

HUMAN, VALID, RANDOM = "human", "random-valid", "random"


@dataclass(frozen=True)
class FilmAudit:
    """What the audit of one preset on one material found.

    Attributes
    ----------
    name : str
        Preset and material, such as ``"montage-films"``.
    material : str
        What was cut, in words; after `passages` in the table's head.
    passages : int
        Pieces of material, each cut by everybody.
    left_out : str
        What was not compared, and why; empty where all was.
    means : mapping of str to float
        Mean return of each kind of edit.
    rates : mapping of str to mapping of str to Rate
        By term (`WHOLE` first), by comparison: ``"human > random-valid"`` where people's edits
        are at hand, then random-valid against each exploit.
    """

    name: str
    material: str
    passages: int
    left_out: str
    means: Mapping[str, float]
    rates: Mapping[str, Mapping[str, Rate]]

    @property
    def missed(self) -> tuple[str, ...]:
        """Comparisons in which the whole reward does not surely rank the first above the second."""
        whole = self.rates[WHOLE]
        return tuple(name for name, rate in whole.items() if not rate.interval()[0] > 0.5)

    def as_json(self) -> dict[str, Any]:
        """Record for ``--json``."""
        return {
            "name": self.name,
            "passages": self.passages,
            "material": self.material,
            "people": HUMAN in self.means,
            "left_out": self.left_out,
            "missed": list(self.missed),
            "means": dict(self.means),
            "rates": {
                term: {name: rate.as_json() for name, rate in by.items()}
                for term, by in self.rates.items()
            },
        }

    def markdown(self) -> str:
        """Verdict, mean returns, and the table of wins by term and comparison."""
        means = ", ".join(f"{name} {mean:.2f}" for name, mean in self.means.items())
        verdict = f"misses {', '.join(self.missed)}" if self.missed else "passes"
        if HUMAN not in self.means:
            verdict += "; no edits by people to compare with"
        lines = [f"### `{self.name}`: {self.passages:,} {self.material}; {verdict}", ""]
        lines += [f"Mean returns: {means}.", ""]
        lines += [self.left_out, ""] if self.left_out else []
        return "\n".join([*lines, rates_markdown(self.rates)])


def compare(
    name: str,
    material: str,
    scores: Mapping[str, Scores],
    terms: Sequence[str],
    passage: npt.NDArray[np.int64],
    left_out: str = "",
) -> FilmAudit:
    """Set people against random-valid, where there are any, and random-valid against the others.

    Parameters
    ----------
    name, material, left_out : str
        As in `FilmAudit`.
    scores : mapping of str to Scores
        Of `HUMAN` or not, of `VALID`, and of each exploit: (1 + terms, n) each, row by row edits
        of the same material.
    terms : sequence of str
        Names of the terms, in the order of the scores.
    passage : ndarray (n,) int64
        Piece of material that each edit is made of.
    """
    gaps = {f"{HUMAN} > {VALID}": scores[HUMAN] - scores[VALID]} if HUMAN in scores else {}
    gaps |= {
        f"{VALID} > {kind}": scores[VALID] - found
        for kind, found in scores.items()
        if kind not in (HUMAN, VALID)
    }
    rates = {
        term: {versus: rate_of(gap[row], passage) for versus, gap in gaps.items()}
        for row, term in enumerate((WHOLE, *terms))
    }
    means = {kind: float(found[0].mean()) for kind, found in scores.items()}
    return FilmAudit(name, material, len(np.unique(passage)), left_out, means, rates)
