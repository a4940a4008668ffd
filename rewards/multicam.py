"""What the choice of a camera is judged by, step by step.

Every term depends on the step, the camera shown, the one before it, the one of the shot before
that and how long the shot has lasted, up to a cap: so the optimum is a shortest path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.multicam_view import CameraView
from segue.rewards.shaping import bell


@dataclass(frozen=True)
class Visibility:
    """The camera shown sees the speaker or the action: its level.

    Source: action visibility of Galvane et al. (2015), "Continuity editing for 3D animation";
    the gaze potential of GAZED (Moorthy et al. 2020), with activity in the place of gaze.
    """

    name: ClassVar[str] = "visibility"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.level, dtype=np.float64)


@dataclass(frozen=True)
class Scale:
    """The more a moment matters, the closer the shot: `bell` of size minus emphasis.

    Source: the Hitchcock principle (Truffaut 1967) as in Galvane et al. (2015): the size of a
    thing in the picture equals its importance at that moment.
    """

    width: float = 0.35
    name: ClassVar[str] = "scale"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        return bell(view.size - view.emphasis, self.width)


@dataclass(frozen=True)
class Pacing:
    """Shot lengths are log-normal: the evidence of each step for it, in nats over `limit`.

    With h(n) the chance that a log-normal shot that has lasted n steps ends there, and g that of
    a shot that ends at any moment alike and is as long on average, a cut is worth
    ``log h(n) / g`` and a step without ``log (1 - h(n)) / (1 - g)``, clipped to `limit` nats on
    both sides. Over a shot that adds up to its log-likelihood ratio, so neither many nor few
    cuts are paid for as such, and how long the shot has lasted is all that must be known. The last
    shot is not charged for ending with the scene. Source: log-normal shot lengths, Cutting et al.
    (2010); as the rhythm of an edit, Galvane et al. (2015).

    Parameters
    ----------
    median : float
        Seconds.
    spread : float
        Standard deviation of the log.
    limit : float
        Nats.
    """

    median: float = 4.0
    spread: float = 0.5
    limit: float = 4.0
    name: ClassVar[str] = "pacing"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        held, step = np.asarray(view.held, dtype=np.float64), np.asarray(view.step)
        # A shot of n steps stands for all lengths that are nearer to n than to another number.
        before = self._survival(np.maximum(held - 0.5, 0.0) * step)
        after = self._survival((held + 0.5) * step)
        ends = np.clip(1.0 - after / before, 1e-12, 1.0 - 1e-12)
        mean = self.median * math.exp(0.5 * self.spread**2)
        memoryless = 1.0 - np.exp(-step / mean)
        cut = np.log(ends / memoryless)
        stay = np.log((1.0 - ends) / (1.0 - memoryless))
        worth = np.where(view.cut, cut, np.where(view.stays, stay, 0.0))
        return np.asarray(np.clip(worth / self.limit, -1.0, 1.0))

    def _survival(self, seconds: FloatArray) -> FloatArray:
        """Chance that a shot lasts longer than `seconds`."""
        scaled = np.log(np.maximum(seconds, 1e-9) / self.median) / (self.spread * math.sqrt(2.0))
        upper = [0.5 * math.erfc(value) for value in scaled.ravel().tolist()]
        return np.asarray(np.maximum(np.array(upper).reshape(scaled.shape), 1e-300))


@dataclass(frozen=True)
class LongTake:
    """A shot that does not end tires: from 0 at `tires` seconds to -1 a step at twice as long.

    `Pacing` hardly tells one endless shot from good cutting, since a log-normal shot that has
    lasted long may last longer. Source: the rhythm cost of GAZED (Moorthy et al. 2020), which
    likewise asks for a cut after some seconds.
    """

    tires: float = 6.0
    name: ClassVar[str] = "long_take"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        excess = np.clip(view.held * view.step / self.tires - 1.0, 0.0, 1.0)
        return np.asarray(np.where(view.stays, -excess, 0.0))


@dataclass(frozen=True)
class JumpCut:
    """A cut between cameras that see nearly the same jumps: from 0 at `alike` to -1 at identity.

    Source: the 30-degree rule; overlap of the pictures as in GAZED (Moorthy et al. 2020).
    """

    alike: float = 0.5
    name: ClassVar[str] = "jump_cut"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        excess = np.clip((view.similarity - self.alike) / (1.0 - self.alike), 0.0, 1.0)
        return np.asarray(np.where(view.cut, -excess, 0.0))


@dataclass(frozen=True)
class PingPong:
    """Coming back to a camera after a moment on another flickers.

    A return costs 1 less the length of the shot between over `soon` seconds. Source: convention;
    a picture needs time to be read (Murch, *In the Blink of an Eye*, 1995).
    """

    soon: float = 3.0
    name: ClassVar[str] = "ping_pong"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        short = np.clip(1.0 - view.held * view.step / self.soon, 0.0, 1.0)
        return np.asarray(np.where(view.cut & view.returns, -short, 0.0))


@dataclass(frozen=True)
class Establishing:
    """The wide shot stands where the audience needs to be told where it is: 1 there, else 0.

    Source: the establishing and re-establishing shot (Bordwell & Thompson, *Film Art*).
    """

    name: ClassVar[str] = "establishing"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        return np.where(view.orients & view.widest, 1.0, 0.0)


@dataclass(frozen=True)
class Legality:
    """-1 for an illegal action (which has been replaced), else 0."""

    name: ClassVar[str] = "legality"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CameraView) -> FloatArray:
        """Value per element."""
        return np.where(view.illegal, -1.0, 0.0)


MULTICAM: WeightedSum[CameraView] = WeightedSum(
    (
        (Visibility(), 1.0),
        (Scale(), 0.5),
        (Pacing(), 1.0),
        (LongTake(), 0.6),
        (JumpCut(), 1.0),
        (PingPong(), 0.5),
        (Establishing(), 0.5),
        (Legality(), 0.5),
    )
)
"""The reward of `segue/Multicam-v0`."""
