"""Judges of whole melodies: what one must offer, how it is named, and when it is asked."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.base.references import load_reference
from segue.envs.melody.prior import STEPS, TOKENS, Floats, Tokens
from segue.envs.melody.types import STEP

Bytes = npt.NDArray[np.int8]


class MelodyJudge(Protocol):
    """A model that tells people's melodies from others."""

    def score(self, tokens: Tokens) -> Floats:
        """Score whole melodies.

        Parameters
        ----------
        tokens : int array, (n, STEPS)
            Melodies, n >= 1.

        Returns
        -------
        float64 array, (n,)
            Log-odds that a person made the melody, where half of all melodies are people's; all
            finite.
        """
        ...


Judge = str | MelodyJudge | None
"""What the argument `judge` takes."""


def judge_of(judge: Judge) -> MelodyJudge | None:
    """Give the judge that an argument names.

    Parameters
    ----------
    judge : str, MelodyJudge or None
        ``"module:attribute"`` names a judge, or what makes one.

    Raises
    ------
    SegueError
        If there is none of that name, or it is no judge.
    """
    found: Any = judge
    if isinstance(judge, str):
        if ":" not in judge:
            raise SegueError(
                f"Unknown judge {judge!r}; give module:attribute, an object with score(tokens), "
                "or None."
            )
        found = load_reference(judge, "judge")
        # A class has the method, too.
        makes_one = isinstance(found, type) or not hasattr(found, "score")
        if makes_one and callable(found):
            found = found()
    if found is not None and not callable(getattr(found, "score", None)):
        raise SegueError(
            f"The judge {judge!r} has no method score(tokens); give an object with one, or the "
            "module:attribute of what makes one."
        )
    judged: MelodyJudge | None = found
    return judged


def of_ended(
    judge: MelodyJudge,
    seen: Bytes,
    history: Bytes,
    actions: npt.NDArray[np.int64],
    judged: Floats,
) -> None:
    """Write what the judge says of the melodies that their next tokens end.

    It is asked once for all of them, and not at all where there are none.

    Parameters
    ----------
    judge : MelodyJudge
        The judge.
    seen, history : ndarray (n, 32) int8
        Observed rows, and the tokens, the newest first.
    actions : ndarray (n,) int64
        What is played; what is no token counts as token 0.
    judged : ndarray (n,) float64
        Overwritten; 0 where no melody ends.

    Raises
    ------
    SegueError
        If the judge's answer is of another shape, or is not finite.
    """
    judged[:] = 0.0
    rows = np.flatnonzero(seen[:, STEP] == STEPS - 1)
    if not len(rows):
        return
    last = actions[rows]
    melodies = np.empty((len(rows), STEPS), dtype=np.int8)
    melodies[:, :-1] = history[rows, : STEPS - 1][:, ::-1]
    melodies[:, -1] = np.where((last >= 0) & (last < TOKENS), last, 0)
    said = np.asarray(judge.score(melodies), dtype=np.float64)
    if said.shape != (len(rows),) or not np.isfinite(said).all():
        raise SegueError(
            f"The judge {type(judge).__name__} gave scores of the shape {said.shape} for "
            f"{len(rows)} melodies, or some that are not finite; mend it."
        )
    judged[rows] = said


__all__ = ["Judge", "MelodyJudge", "judge_of", "of_ended"]
