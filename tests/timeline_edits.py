"""Edits and small timeline files that the tests of timelines share."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from segue.envs.film.edit import Cut, Edit, Title

RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001")
)
FORMATS = (".otio", ".edl", ".xml", ".fcpxml")
FILM, SONG = Path("/films/day 1/numbered.mp4"), Path("/music/song.mp3")


def piece(in_point: int, frames: int, rate: Fraction, **changes: object) -> Cut:
    plain = Cut(FILM, rate, 2400, in_point, frames, Fraction(1), "none", "cut", 0, "shot")
    return replace(plain, **changes)  # type: ignore[arg-type]


def rich_edit(rate: Fraction, source_rate: Fraction | None = None) -> Edit:
    """An edit with everything that a timeline can say."""
    own = source_rate or rate
    wipe = {"transition": "wipe", "transition_frames": 12, "effect": "mirror"}
    cuts = (
        piece(10, 40, own, shot="one", reward_terms={"beat": 0.5, "pace": -0.25}, reel="A001"),
        piece(100, 30, own, shot="two", transition="dissolve", transition_frames=8, scene="12"),
        piece(151, 24, own, shot="three", speed=Fraction(1, 2), effect="slow_motion"),
        piece(60, 30, own, shot="four & <five>", sound_lead=-4, **wipe),
        piece(121, 31, own, shot="five", speed=Fraction(3, 2), sound_lead=5, take="3"),
        piece(20, 2000, own, shot="six", transition="dip_to_white", transition_frames=12),
        piece(2, 30, own, shot="seven", transition="dissolve", transition_frames=10),
    )
    cuts = (*cuts[:1], replace(cuts[1], runner_up="shot 7, in 12; or none"), *cuts[2:])
    titles = (
        Title("A film\nby <me> & you", 3, 30, "middle"),
        Title("The end", 2190, 20, "lower_third"),
    )
    edit = Edit("a film", rate, 640, 360, cuts, SONG, 1.5, 0.5, titles, 30)
    return edit


def by_name(edit: Edit) -> Edit:
    """The same edit with its media named without their folders."""
    cuts = tuple(replace(cut, source=Path(cut.source.name)) for cut in edit.cuts)
    return replace(edit, cuts=cuts, music=None if edit.music is None else Path(edit.music.name))
