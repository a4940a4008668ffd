"""What a cut is judged by.

Every term is weighted by `CutView.share`, the part of the film that the piece fills, so that the
return is a mean over the film's time and neither many nor few cuts are paid for as such. Terms that
compare a piece with the one before give the first piece OPENING, the middle of their range, so that
it pays neither to hurry over it nor to dwell on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.craft_kernel import applied, effect_worth, transition_worth
from segue.rewards.film_view import PLAIN, CutView
from segue.rewards.shaping import bell

OPENING = 0.5
"""Worth of the first piece, where there is nothing before it to compare it with."""


@dataclass(frozen=True)
class Sync:
    """Cuts fall where the music asks for them: the strength of the beat under the cut.

    Every cut is on a beat by the grid of the task; this tells strong beats from weak ones.
    Source: beat-synchronous editing by convention; the measure is the
    metrical weight of Lerdahl & Jackendoff (1983).
    """

    name: ClassVar[str] = "sync"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.share * np.where(view.first, OPENING, view.strength))


@dataclass(frozen=True)
class Pacing:
    """Lengths are log-normal about a length that falls with the energy of the music.

    `bell` of the log of length over target; the target goes from `calm` seconds at energy 0 to
    `lively` at energy 1, geometrically. Source: log-normal shot lengths, Cutting et al. (2010);
    shorter shots under more activity, Cutting et al. (2011).
    """

    calm: float = 4.0
    lively: float = 1.2
    width: float = 0.5
    name: ClassVar[str] = "pacing"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        target = np.log(self.calm) + view.energy * np.log(self.lively / self.calm)
        return np.asarray(view.share * bell(np.log(view.seconds) - target, self.width))


@dataclass(frozen=True)
class Continuity:
    """The eye stays where it was: salient detail and direction of motion match across the cut.

    Half `bell` of the distance of the salient centroids (width `reach`), half the agreement of
    the two motions, ``(1 + a . b) / 2`` of the vectors as they are, so that still pictures count
    as neutral. Source: eye trace, Murch, *In the Blink of an Eye* (1995).
    """

    reach: float = 0.5
    name: ClassVar[str] = "continuity"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        # The bell of a distance is the product of the bells of its components.
        aside = bell(view.centroid_x - view.last_centroid_x, self.reach)
        above = bell(view.centroid_y - view.last_centroid_y, self.reach)
        dot = view.motion_x * view.last_motion_x + view.motion_y * view.last_motion_y
        agreement = 0.5 + 0.5 * np.clip(dot, -1.0, 1.0)
        value = 0.5 * aside * above + 0.5 * agreement
        return np.asarray(view.share * np.where(view.first, OPENING, value))


@dataclass(frozen=True)
class JumpCut:
    """A cut between two pictures of the same set-up jumps: -1 above `alike`, else 0.

    A match cut, a J-cut and an L-cut are plain cuts to the eye. Source: 30-degree rule; colour
    similarity stands in for the unknown angle.
    """

    alike: float = 0.96
    name: ClassVar[str] = "jump_cut"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        jumps = ~view.first & PLAIN[view.transition] & (view.similarity > self.alike)
        return np.asarray(view.share * np.where(jumps, -1.0, 0.0))


@dataclass(frozen=True)
class Diversity:
    """Neighbouring pieces differ: ``1 - cos`` of their colour histograms.

    Source: the dissimilarity of Zhou et al. (2018), DSN, between neighbours.
    """

    name: ClassVar[str] = "diversity"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.share * np.where(view.first, OPENING, 1.0 - view.similarity))


@dataclass(frozen=True)
class Quality:
    """Sharp and well exposed: half sharpness, half `bell` of brightness about .5."""

    width: float = 0.2
    name: ClassVar[str] = "quality"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        exposure = bell(view.brightness - 0.5, self.width)
        return np.asarray(view.share * (0.5 * view.sharpness + 0.5 * exposure))


@dataclass(frozen=True)
class Stillness:
    """A film moves: -1 where nothing does at all, as in a photograph or a frozen frame, else 0.

    Whatever a camera takes moves a little, be it by its grain. Source: the audit of this reward,
    which without the term held edits of stills as good as those of the shots themselves.
    """

    name: ClassVar[str] = "stillness"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        still = (view.motion <= 0) & (view.motion_x == 0) & (view.motion_y == 0)
        return np.asarray(view.share * np.where(still, -1.0, 0.0))


@dataclass(frozen=True)
class Energy:
    """The picture moves as the music does: `bell` of motion minus loudness.

    A proxy for the match of arousal between picture and music.
    """

    width: float = 0.3
    name: ClassVar[str] = "energy"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.share * bell(view.motion - view.energy, self.width))


@dataclass(frozen=True)
class Order:
    """The story goes forward: 1 less the step for a step forward in the film, 0 backward."""

    name: ClassVar[str] = "order"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        step = view.position - view.last_position
        value = np.where(step > 0, 1.0 - step, 0.0)
        return np.asarray(view.share * np.where(view.first, OPENING, value))


@dataclass(frozen=True)
class Reuse:
    """A shot that comes again costs by how lately it was seen: minus `CutView.recency`."""

    name: ClassVar[str] = "reuse"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(-view.share * view.recency)


@dataclass(frozen=True)
class TransitionFit:
    """The transition suits the place: its row of `segue.rewards.film_craft.TRANSITION_TABLE`,
    the cut .6 anywhere.

    A dissolve or an iris opens a calm phrase, a dip to white a loud one, a fade through black one
    whose picture differs, a clock wipe one that plays later; wipes, slide, push and whip go with
    what moves their way, a zoom with a beat to which the music rises; a match cut
    carries one movement over, so it asks for the in-point at which the new picture moves as the
    old one did; J- and L-cuts tie two shots of one scene together by their sound, where the music
    rises or falls. Source: continuity editing, Bordwell & Thompson, *Film Art*.
    """

    name: ClassVar[str] = "transition_fit"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        worth = applied(
            transition_worth,
            view.transition,
            view.strength,
            view.energy,
            view.rise,
            view.similarity,
            view.motion_x,
            view.motion_y,
            view.last_motion_x,
            view.last_motion_y,
            view.centroid_x,
            view.centroid_y,
            view.last_centroid_x,
            view.last_centroid_y,
            view.motion,
            view.position - view.last_position,
            view.same_film,
        )
        return np.asarray(view.share * worth)


@dataclass(frozen=True)
class EffectFit:
    """The effect suits the picture, the music and the place: its row of
    `segue.rewards.film_craft.EFFECT_TABLE`.

    None is worth .6 anywhere; a fade in is worth 1 on the first piece and a fade out on the one
    that fills the film. Source: convention.
    """

    name: ClassVar[str] = "effect_fit"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        worth = applied(
            effect_worth,
            view.effect,
            view.strength,
            view.energy,
            view.rise,
            view.motion,
            view.saturation,
            view.brightness,
            view.sharpness,
            view.first,
            view.fills,
        )
        return np.asarray(view.share * worth)


@dataclass(frozen=True)
class Duration:
    """The film is filled: minus the part left empty (overrun is masked)."""

    name: ClassVar[str] = "duration"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(-view.unfilled, dtype=np.float64)


@dataclass(frozen=True)
class Legality:
    """-1 for an action of which some part was illegal (and has been replaced), else 0."""

    name: ClassVar[str] = "legality"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.where(view.illegal, -1.0, 0.0)


MONTAGE: WeightedSum[CutView] = WeightedSum(
    (
        (Sync(), 1.0),
        (Pacing(), 4.0),
        (Continuity(), 1.0),
        (JumpCut(), 1.0),
        (Diversity(), 0.5),
        (Quality(), 0.5),
        (Stillness(), 1.0),
        (Energy(), 0.8),
        (Order(), 2.5),
        (TransitionFit(), 1.0),
        (EffectFit(), 1.0),
        (Duration(), 3.0),
        (Legality(), 0.1),
    )
)
"""The reward of `segue/Montage-v0`."""

MONTAGE_WITH_REUSE: WeightedSum[CutView] = WeightedSum((*MONTAGE.terms, (Reuse(), 1.0)))
"""The reward where a shot may come again."""
