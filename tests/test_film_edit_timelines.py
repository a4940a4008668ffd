"""Timelines that are written from an edit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from film_footage import (
    LENGTH,
    RATE,
    cut,
    edit_of,
    mixed_edit,
    numbered,
    write_film,
)

from segue.envs.base.errors import SegueError
from segue.envs.film.timelines import to_otio, write_edl, write_otio


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "numbered.mp4"
    write_film(path, numbered(LENGTH), RATE)
    return path


def test_otio_round_trip(film: Path, tmp_path: Path) -> None:
    edit = mixed_edit(film)
    path = film.parent / "timeline.otio"
    write_otio(edit, path)
    back = otio.adapters.read_from_file(str(path))
    path.unlink()
    assert back.is_equivalent_to(to_otio(edit, film.parent))
    track, music = back.tracks
    clips = list(track.find_clips())
    assert track.duration() == otio.opentime.RationalTime(edit.frames, 24)
    assert [c.source_range.start_time.value for c in clips] == [10, 100, 150, 60, 20]
    assert [c.source_range.duration.value for c in clips] == [40, 30, 24, 30, 30]
    assert [c.range_in_parent().start_time.value for c in clips] == [0, 40, 70, 94, 124]
    assert clips[0].media_reference.target_url == "numbered.mp4"
    assert clips[0].metadata["segue"]["reward_terms"]["beat"] == 0.5
    assert clips[0].markers
    assert clips[2].effects[0].time_scalar == 0.5
    assert clips[3].effects[0].effect_name == "mirror"
    joins = [item for item in track if isinstance(item, otio.schema.Transition)]
    assert [(j.name, j.in_offset.value, j.out_offset.value) for j in joins] == [
        ("dissolve", 4, 4),
        ("wipe", 6, 6),
        ("fade_through_black", 6, 6),
    ]
    assert joins[0].transition_type == "SMPTE_Dissolve"
    assert music[0].source_range.start_time.to_seconds() == 1.5
    assert music.duration().to_seconds() == edit.frames / 24
    elsewhere = to_otio(edit, tmp_path).tracks[0][0].media_reference.target_url
    assert elsewhere == film.as_uri()


@pytest.mark.parametrize(
    "rate", [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)]
)
def test_edl_reads_back_frame_exact(film: Path, tmp_path: Path, rate: Fraction) -> None:
    edit = mixed_edit(film, rate)
    write_edl(edit, tmp_path / "film.edl")
    back = otio.adapters.read_from_file(str(tmp_path / "film.edl"), rate=float(rate))
    (track,) = back.video_tracks()
    clips = list(track.find_clips())
    assert [c.name for c in clips] == ["one", "two", "three", "four", "BLACK", "five"]
    # A transition's event begins with it, half its length before the cut.
    starts = [c.range_in_parent().start_time.value for c in clips]
    assert starts == [0, 36, 70, 88, 118, 124]
    assert [c.source_range.start_time.value for c in clips] == [10, 96, 150, 54, 0, 20]
    assert track.duration().value == edit.frames
    kinds = [j.transition_type for j in track if isinstance(j, otio.schema.Transition)]
    assert kinds == ["SMPTE_Dissolve", "SMPTE_Wipe", "SMPTE_Dissolve", "SMPTE_Dissolve"]
    assert clips[2].effects[0].time_scalar == pytest.approx(0.5, abs=0.002)
    assert "EFFECT NAME IS mirror" in clips[3].metadata["cmx_3600"]["comments"]
    assert clips[3].media_reference.target_url == str(film)
    assert back.audio_tracks()[0].duration().value == edit.frames


def test_timelines_refuse_what_they_cannot_say(film: Path, tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="no timecode for 12"):
        write_edl(edit_of(cut(film, 0, 10), rate=Fraction(12)), tmp_path / "film.edl")
    with pytest.raises(SegueError, match=r"\.otio"):
        write_otio(edit_of(cut(film, 0, 10)), tmp_path / "film.txt")
    with pytest.raises(SegueError, match="999"):
        write_edl(edit_of(*(cut(film, 0, 1) for _ in range(1000))), tmp_path / "film.edl")
    assert list(tmp_path.iterdir()) == []
