"""Edits through every format and back: frame-exact, with nothing that segue knows lost."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import opentimelineio as otio
import pytest
from film_footage import numbered, write_film
from timeline_edits import FILM, FORMATS, RATES, by_name, piece, rich_edit

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Edit
from segue.envs.film.timelines import (
    TimelineError,
    read_timeline,
    read_timelines,
    to_edit,
    to_otio,
    write_timeline,
)
from segue.envs.film.timelines.layout import place, sequence_rate, source_start, speed_of
from segue.envs.film.timelines.rates import (
    exact_rate,
    from_timecode,
    has_drop_frame,
    to_timecode,
)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_edits_come_back_whole(rate: Fraction, suffix: str, tmp_path: Path) -> None:
    edit = rich_edit(rate)
    write_timeline(to_otio(edit), tmp_path / f"film{suffix}")
    back = to_edit(read_timeline(tmp_path / f"film{suffix}"))
    assert back == by_name(edit)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("source", [Fraction(24), Fraction(25), Fraction(60000, 1001)], ids=str)
def test_sources_of_another_rate_keep_their_frames(
    source: Fraction, suffix: str, tmp_path: Path
) -> None:
    for rate in (Fraction(24000, 1001), Fraction(50)):
        edit = rich_edit(rate, source)
        write_timeline(to_otio(edit), tmp_path / f"film{suffix}")
        assert to_edit(read_timeline(tmp_path / f"film{suffix}")) == by_name(edit)


def uneven(rate: Fraction) -> otio.schema.Timeline:
    """A timeline that segue would not write: an hour in, uneven transitions, gaps, two layers."""
    time, span = otio.opentime.RationalTime, otio.opentime.TimeRange
    r = float(rate)
    hour = round(3600 * rate)
    timeline = otio.schema.Timeline("uneven", global_start_time=time(hour, r))

    def clip(start: int, frames: int, speed: float = 1.0) -> otio.schema.Clip:
        media = otio.schema.ExternalReference("file:///m/a.mov", span(time(hour, r), time(9000, r)))
        made = otio.schema.Clip("clip", media, span(time(hour + start, r), time(frames, r)))
        if speed != 1:
            made.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
        return made

    def gap(frames: int) -> otio.schema.Gap:
        return otio.schema.Gap(source_range=span(time(0, r), time(frames, r)))

    def join(before: int, after: int) -> otio.schema.Transition:
        return otio.schema.Transition("dissolve", "SMPTE_Dissolve", time(before, r), time(after, r))

    track = otio.schema.Track("V1", kind="Video")
    track.extend([clip(100, 31), join(3, 8), clip(500, 40), gap(7), clip(8, 25), join(0, 9)])
    track.extend([clip(700, 30, -1.0), clip(40, 50, 1 / 3), join(5, 0), gap(20), clip(900, 9)])
    timeline.tracks.append(track)
    return timeline


def frames(timeline: otio.schema.Timeline) -> list[tuple[object, ...]]:
    rate = sequence_rate(timeline)
    rows: list[tuple[object, ...]] = [(rate, timeline.global_start_time.value)]
    for track in timeline.tracks:
        for placed in place(track, rate):
            if not placed.is_gap:
                item = placed.item
                rows.append((placed.start, placed.end, source_start(item), speed_of(item)))
        for child in track:
            if isinstance(child, otio.schema.Transition):
                at = track.range_of_child(child).start_time.value
                rows.append((round(at), child.in_offset.value, child.out_offset.value))
    return rows


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_any_timeline_comes_back_frame_exact(rate: Fraction, suffix: str, tmp_path: Path) -> None:
    timeline = uneven(rate)
    write_timeline(timeline, tmp_path / f"film{suffix}")
    back = read_timeline(tmp_path / f"film{suffix}")
    assert frames(back) == frames(timeline)
    assert sequence_rate(back) == rate


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_reason_of_a_cut_is_readable_in_the_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"film{suffix}"
    write_timeline(to_otio(rich_edit(Fraction(25))), path)
    text = path.read_text(encoding="utf-8")
    assert "beat +0.5, pace -0.25" in text
    assert "runner-up: shot 7, in 12; or none" in text
    clips = read_timeline(path).video_tracks()[0].find_clips()
    assert [len(clip.markers) for clip in clips] == [1] * 7
    assert clips[0].markers[0].comment == "beat +0.5, pace -0.25"
    starts = [clip.markers[0].marked_range.start_time for clip in clips]
    assert starts == [clip.source_range.start_time for clip in clips]


def test_sound_leads_are_seen_on_the_sound_track() -> None:
    edit = rich_edit(Fraction(24))
    timeline = to_otio(edit)
    assert [track.name for track in timeline.tracks] == ["V1", "V2", "A1", "A2"]
    starts = list(accumulate((cut.frames for cut in edit.cuts), initial=0))
    heard = [p.start for p in place(timeline.tracks[3], edit.rate) if not p.is_gap]
    leads = [start - at for start, at in zip(starts, heard, strict=False)]
    assert leads == [0, 0, 0, -4, 5, 0, 0]
    silent = to_otio(replace(edit, source_gain=0.0, titles=(), music=None, tail=0))
    assert [track.name for track in silent.tracks] == ["V1"]
    assert to_edit(silent).cuts == by_name(edit).cuts


def test_footage_is_taken_from_the_folder_only(tmp_path: Path) -> None:
    timeline = to_otio(rich_edit(Fraction(24)))
    with pytest.raises(TimelineError, match=r"numbered\.mp4"):
        to_edit(timeline, tmp_path)
    with pytest.raises(TimelineError, match=r"numbered\.mp4"):
        to_edit(timeline, {"other.mp4": FILM})
    with pytest.raises(SegueError, match="does not exist"):
        to_edit(timeline, {"numbered.mp4": tmp_path / "gone.mp4"})
    with pytest.raises(TimelineError, match="not a folder"):
        to_edit(timeline, tmp_path / "nowhere")


@pytest.mark.parametrize("suffix", FORMATS)
def test_footage_tells_rate_and_length(suffix: str, tmp_path: Path) -> None:
    footage = tmp_path / "media"
    footage.mkdir()
    film = footage / "Numbered.mp4"
    write_film(film, numbered(60), Fraction(25))
    cuts = (
        replace(piece(10, 20, Fraction(25)), source=film, source_frames=60),
        replace(piece(40, 20, Fraction(25)), source=film, source_frames=60),
    )
    edit = Edit("short", Fraction(25), 64, 64, cuts)
    timeline = to_otio(edit)
    for clip in timeline.find_clips():
        clip.media_reference.target_url = "file:///elsewhere/numbered.MP4"
        clip.media_reference.available_range = None
    write_timeline(timeline, tmp_path / f"film{suffix}")
    assert to_edit(read_timeline(tmp_path / f"film{suffix}"), footage) == edit
    (footage / "Numbered.mp4").rename(tmp_path / "Numbered.mp4")
    (footage / "Numbered.mp4").symlink_to(tmp_path / "Numbered.mp4")
    with pytest.raises(TimelineError, match="not in the footage"):  # a link leads out of it
        to_edit(timeline, footage)


def test_gaps_close_and_uneven_transitions_are_centred() -> None:
    timeline = uneven(Fraction(25))
    edit = to_edit(timeline)
    assert [cut.frames for cut in edit.cuts] == [33, 38, 29, 26, 50, 9]
    assert [cut.transition_frames for cut in edit.cuts] == [0, 10, 0, 8, 0, 0]
    assert [cut.in_point for cut in edit.cuts] == [100, 502, 8, 670, 40, 900]
    assert edit.cuts[3].speed == 1
    assert edit.cuts[4].speed == Fraction(1, 3)
    upper = otio.schema.Track("V2", kind="Video")
    upper.append(timeline.tracks[0][0].deepcopy())
    upper[0].name = "over"
    timeline.tracks.append(upper)
    assert [cut.shot for cut in to_edit(timeline).cuts][:2] == ["over", "clip"]


def test_several_timelines_share_a_file(tmp_path: Path) -> None:
    both = [to_otio(replace(rich_edit(rate), title=str(rate))) for rate in RATES[:2]]
    for suffix in (".otio", ".xml", ".fcpxml"):
        write_timeline(both, tmp_path / f"film{suffix}")
        back = read_timelines(tmp_path / f"film{suffix}")
        assert [timeline.name for timeline in back] == [str(rate) for rate in RATES[:2]]
        assert [to_edit(timeline).rate for timeline in back] == list(RATES[:2])
    with pytest.raises(TimelineError, match="one timeline"):
        write_timeline(both, tmp_path / "film.edl")


def test_what_a_format_cannot_say_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    two = to_otio(rich_edit(Fraction(24)))
    two.tracks.append(two.tracks[0].deepcopy())
    with pytest.raises(TimelineError, match="2 picture tracks"):
        write_timeline(two, tmp_path / "film.edl")
    odd = Edit("x", Fraction(12), 64, 64, (piece(0, 9, Fraction(12)),))
    with pytest.raises(TimelineError, match="no timecode for 12"):
        write_timeline(to_otio(odd), tmp_path / "film.edl")
    with pytest.raises(TimelineError, match="must end in"):
        write_timeline(to_otio(odd), tmp_path / "film.txt")
    write_timeline(to_otio(odd), tmp_path / "film.otio")
    with pytest.raises(TimelineError, match="is empty"):
        write_timeline(
            otio.schema.Timeline("x", global_start_time=otio.opentime.RationalTime(0, 24)),
            tmp_path / "film.edl",
        )
    assert [path.name for path in tmp_path.iterdir()] == ["film.otio"]


def test_rates_are_exact() -> None:
    said = (23.976, 23.98, 24.0, 29.97, 30, 59.94, 24000 / 1001, 47.952, 12.5, 48_000)
    meant = ("24000/1001", "24000/1001", 24, "30000/1001", 30, "60000/1001", "24000/1001")
    assert [exact_rate(rate) for rate in said] == [
        Fraction(rate) for rate in (*meant, "48000/1001", "25/2", 48_000)
    ]
    for wrong in (0.0, -24.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="rate"):
            exact_rate(wrong)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_timecode_counts_as_smpte_does(rate: Fraction) -> None:
    drop = has_drop_frame(rate)
    minute = round(60 * rate)
    near = [k * minute + d for k in (0, 1, 9, 10, 11, 59, 60, 600) for d in range(-6, 7)]
    for frame in [n for n in near if n >= 0]:
        text = to_timecode(frame, rate, drop)
        time = otio.opentime.RationalTime(frame, float(rate))
        assert text == otio.opentime.to_timecode(time, float(rate), drop)
        assert from_timecode(text, rate, drop) == frame
