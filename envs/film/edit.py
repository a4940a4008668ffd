"""The record of a finished edit: what an editor (a policy or a person) hands to the writers.

An edit has one video track. Cut k sounds from ``sum(frames[:k])`` to ``sum(frames[:k + 1])`` on
the timeline. A transition of ``d`` frames (even) stands *centred on* the cut that it belongs to:
it begins ``d / 2`` frames before the cut and ends ``d / 2`` frames after it. ``dissolve`` and
``wipe`` therefore show ``d / 2`` frames of *handle* on both sides: source frames after the
out-point of the shot that leaves and before the in-point of the shot that enters.
``fade_through_black`` needs no handles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True)
class Cut:
    """One piece of the edit.

    Attributes
    ----------
    source : Path
        The media file that the picture comes from.
    source_rate : Fraction
        Its frames per second.
    source_frames : int
        Its length in frames.
    in_point : int
        First source frame of the piece (0-based), handle not counted.
    frames : int
        Length on the timeline, in frames at the edit's rate, > 0.
    speed : Fraction
        Source seconds per timeline second: 1 normal, 1/2 slow motion.
    effect : str
        A name in `segue.envs.film.effects.EFFECTS`; ``"none"`` leaves the picture as it is.
    transition : str
        How this piece is entered: a name in `segue.envs.film.transitions.TRANSITIONS`; ``"cut"``
        for the first.
    transition_frames : int
        Its length, even; 0 for ``"cut"``.
    shot : str
        Name of the shot for people, such as ``"bbb 017"``.
    reward_terms : mapping
        What each reward term gave for this cut, weighted.
    runner_up : str
        The best other choice at this cut in a few words; empty where there was none.
    sound_lead : int
        Frames by which the piece's own sound comes before its picture (J-cut) or, negative, after
        it (L-cut: the sound of the piece before lasts).
    reel, scene, take : str
        Where the shot comes from, as its timeline or slate says; empty where nothing does.
    """

    source: Path
    source_rate: Fraction
    source_frames: int
    in_point: int
    frames: int
    speed: Fraction
    effect: str
    transition: str
    transition_frames: int
    shot: str
    reward_terms: Mapping[str, float] = field(default_factory=dict)
    runner_up: str = ""
    sound_lead: int = 0
    reel: str = ""
    scene: str = ""
    take: str = ""


@dataclass(frozen=True)
class Title:
    """Words on the picture.

    Attributes
    ----------
    text : str
        Lines, separated by newlines.
    start, frames : int
        First frame on the timeline and length, in frames at the edit's rate.
    place : str
        ``"middle"`` or ``"lower_third"``.
    """

    text: str
    start: int
    frames: int
    place: str


@dataclass(frozen=True)
class Edit:
    """A whole edit.

    Attributes
    ----------
    title : str
        Name of the film.
    rate : Fraction
        Frames per second of the timeline, such as ``Fraction(24000, 1001)``.
    width, height : int
        Picture size in pixels, both even.
    cuts : tuple of Cut
        The pieces in order.
    music : Path or None
        Sound file laid under the whole film; None leaves it silent.
    music_start : float
        Second of the sound file that stands at the film's first frame.
    source_gain : float
        Gain of the pieces' own sound, in [0, 1]; 0 leaves it out.
    titles : tuple of Title
        Words on the picture, in order of their start.
    tail : int
        Frames of black after the last piece, for credits.
    """

    title: str
    rate: Fraction
    width: int
    height: int
    cuts: tuple[Cut, ...]
    music: Path | None = None
    music_start: float = 0.0
    source_gain: float = 0.0
    titles: tuple[Title, ...] = ()
    tail: int = 0

    @property
    def frames(self) -> int:
        """Length of the film in frames."""
        return sum(cut.frames for cut in self.cuts) + self.tail

    @property
    def seconds(self) -> Fraction:
        """Length of the film in seconds, exact."""
        return Fraction(self.frames) / self.rate

    def source_frame(self, cut: Cut, frame: int) -> int:
        """Source frame shown at `frame` of `cut` (0 = its first; negative and beyond = handles).

        The nearest earlier source frame at the timeline's instant, held inside the file.
        """
        offset = Fraction(frame) / self.rate * cut.speed * cut.source_rate
        return min(max(cut.in_point + int(offset // 1), 0), cut.source_frames - 1)
