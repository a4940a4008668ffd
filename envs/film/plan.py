"""What stands on each frame of an edit, and how the work is split; no media is touched here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit, Title
from segue.envs.film.effects import EFFECTS
from segue.envs.film.transitions import TRANSITIONS

SHORTEST_RUN = 48
"""Frames below which a run is not worth an encoder's start."""

LARGEST_SIDE = 16384
"""Pixels; what H.264's encoder takes."""

PLACES = ("middle", "lower_third")
"""Where a title may stand."""


@dataclass(frozen=True)
class Layer:
    """One piece at one frame.

    Attributes
    ----------
    cut : int
        Index into ``Edit.cuts``.
    frame : int
        Frame of the piece: 0 is its first, negative and beyond its length are handles.
    """

    cut: int
    frame: int


@dataclass(frozen=True)
class Moment:
    """What one frame of the film shows.

    Attributes
    ----------
    leaving : Layer or None
        The only picture outside transitions; None in the black tail.
    entering : Layer or None
        The second picture inside a transition.
    progress : float
        Of the transition, in (0, 1), the same distance from both ends; 0 outside.
    """

    leaving: Layer | None
    entering: Layer | None = None
    progress: float = 0.0


def check_edit(edit: Edit) -> None:
    """Refuse an edit that cannot be carried out.

    Raises
    ------
    SegueError
        With one sentence that names the piece and what is wrong with it.
    """
    if not edit.cuts:
        raise SegueError(f"The edit {edit.title!r} has no cuts; add at least one.")
    if edit.rate <= 0:
        raise SegueError(f"The edit {edit.title!r} has rate {edit.rate}; give a positive one.")
    for side in (edit.width, edit.height):
        if side % 2 or not 16 <= side <= LARGEST_SIDE:
            raise SegueError(
                f"The edit {edit.title!r} is {edit.width} x {edit.height} pixels; give two even "
                f"numbers from 16 to {LARGEST_SIDE}."
            )
    if edit.music_start < 0:
        raise SegueError(f"The music starts at {edit.music_start} s; give 0 or more.")
    if not 0 <= edit.source_gain <= 1:
        raise SegueError(f"The pieces' sound has gain {edit.source_gain}; give one from 0 to 1.")
    if edit.tail < 0:
        raise SegueError(
            f"The edit {edit.title!r} has a tail of {edit.tail} frames; give 0 or more."
        )
    for title in edit.titles:
        _check_title(edit, title)
    for number, cut in enumerate(edit.cuts):
        _check_cut(number, cut)
    for number in range(len(edit.cuts)):
        head, tail = _halves(edit, number)
        if head + tail > edit.cuts[number].frames:
            raise SegueError(
                f"Piece {number + 1} ({edit.cuts[number].shot}) has {edit.cuts[number].frames} "
                f"frames but its transitions take {head + tail} of them; shorten a transition."
            )
        _check_sound(edit, number)


def shown_frames(edit: Edit, number: int) -> range:
    """Frames of piece `number` that are seen, its handles in transitions included."""
    head, tail = _halves(edit, number)
    if not TRANSITIONS[edit.cuts[number].transition].needs_handles:
        head = 0
    last = number + 1 == len(edit.cuts)
    if last or not TRANSITIONS[edit.cuts[number + 1].transition].needs_handles:
        tail = 0
    return range(-head, edit.cuts[number].frames + tail)


def moments(edit: Edit, start: int, stop: int) -> Iterator[Moment]:
    """Yield what stands on the film's frames `start` to `stop` - 1."""
    starts = [0, *accumulate(cut.frames for cut in edit.cuts)]
    number = 0
    for frame in range(start, stop):
        if frame >= starts[-1]:
            yield Moment(None)
            continue
        while starts[number + 1] <= frame:
            number += 1
        head, tail = _halves(edit, number)
        if frame - starts[number] < head:
            yield _inside(edit, number, frame, starts)
        elif starts[number + 1] - frame <= tail:
            yield _inside(edit, number + 1, frame, starts)
        else:
            yield Moment(Layer(number, frame - starts[number]))


def split(edit: Edit, runs: int) -> list[tuple[int, int]]:
    """Split the film in about `runs` runs of similar length.

    A run ends at a plain cut where one is near, otherwise in the middle of a piece: since each
    run starts with a seek, that costs no more than a key frame.

    Parameters
    ----------
    edit : Edit
        The edit.
    runs : int
        How many are wanted, >= 1; a short film gets fewer.

    Returns
    -------
    list of (start, stop)
        Frames of the film, without gaps.
    """
    total = edit.frames
    length = total / max(1, min(runs, total // SHORTEST_RUN))
    starts = accumulate(cut.frames for cut in edit.cuts[:-1])
    plain = [at for at, cut in zip(starts, edit.cuts[1:], strict=True) if not cut.transition_frames]
    borders = [0]
    for k in range(1, round(total / length)):
        ideal = round(k * length)
        border = min(plain, key=lambda at: abs(at - ideal), default=ideal)
        if abs(border - ideal) > length / 3:
            border = ideal
        if border > borders[-1]:
            borders.append(border)
    return list(zip(borders, [*borders[1:], total], strict=True))


def _check_cut(number: int, cut: Cut) -> None:
    """Refuse a piece that is impossible by itself."""
    name = f"Piece {number + 1} ({cut.shot})"
    if cut.frames <= 0 or cut.source_frames <= 0:
        raise SegueError(f"{name} is empty; give it at least one frame.")
    if cut.speed <= 0 or cut.source_rate <= 0:
        raise SegueError(f"{name} has a speed or a source rate of 0 or less; give positive ones.")
    if not 0 <= cut.in_point < cut.source_frames:
        raise SegueError(
            f"{name} starts at frame {cut.in_point} of {cut.source}, which has frames 0 to "
            f"{cut.source_frames - 1}; choose one of them."
        )
    if cut.effect not in EFFECTS:
        raise SegueError(f"{name} has the effect {cut.effect!r}; known are {', '.join(EFFECTS)}.")
    if cut.transition not in TRANSITIONS:
        raise SegueError(
            f"{name} has the transition {cut.transition!r}; known are {', '.join(TRANSITIONS)}."
        )
    length = cut.transition_frames
    plain = TRANSITIONS[cut.transition].blend is None
    if length < 0 or length % 2 or plain != (length == 0):
        raise SegueError(
            f"{name} has a {cut.transition} of {length} frames; give 0 for a cut and an even "
            "number above 0 for anything else."
        )
    if number == 0 and not plain:
        raise SegueError(f"{name} is the first and has a {cut.transition}; it can only be cut to.")


def _check_sound(edit: Edit, number: int) -> None:
    """Refuse sound that would begin before the piece before does, or after its own ends."""
    lead = edit.cuts[number].sound_lead
    before = edit.cuts[number - 1] if number else None
    if lead and (before is None or not -edit.cuts[number].frames < lead < before.frames):
        raise SegueError(
            f"Piece {number + 1} ({edit.cuts[number].shot}) has a sound lead of {lead} frames, "
            "more than the pieces beside its cut allow; give less."
        )


def _check_title(edit: Edit, title: Title) -> None:
    """Refuse a title that cannot be shown."""
    if title.place not in PLACES:
        raise SegueError(
            f"The title {title.text!r} stands at {title.place!r}; known are {', '.join(PLACES)}."
        )
    if title.frames < 1 or title.start < 0 or title.start + title.frames > edit.frames:
        raise SegueError(
            f"The title {title.text!r} takes frames {title.start} to "
            f"{title.start + title.frames} of a film of {edit.frames}; keep it inside."
        )


def _halves(edit: Edit, number: int) -> tuple[int, int]:
    """Frames of piece `number` itself that its two transitions take."""
    head = edit.cuts[number].transition_frames // 2
    last = number + 1 == len(edit.cuts)
    return head, 0 if last else edit.cuts[number + 1].transition_frames // 2


def _inside(edit: Edit, number: int, frame: int, starts: list[int]) -> Moment:
    """Show the transition into piece `number` at `frame` of the film."""
    length = edit.cuts[number].transition_frames
    leaving, entering = shown_frames(edit, number - 1), shown_frames(edit, number)
    return Moment(
        Layer(number - 1, min(frame - starts[number - 1], leaving.stop - 1)),
        Layer(number, max(frame - starts[number], entering.start)),
        (frame - starts[number] + length // 2 + 0.5) / length,
    )
