"""Edit decision lists of other programs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from timeline_edits import rich_edit

from segue.envs.film.timelines import TimelineError, read_timeline, write_edl
from segue.envs.film.timelines.layout import place, sequence_rate, speed_of


def read(folder: Path, *lines: str, rate: Fraction | None = None) -> otio.schema.Timeline:
    path = folder / "list.edl"
    path.write_text("\r\n".join(lines), encoding="latin-1")
    return read_timeline(path, rate=rate)


def row(timeline: otio.schema.Timeline, track: int = 0) -> list[tuple[str, int, int]]:
    placed = place(timeline.tracks[track], sequence_rate(timeline))
    return [("" if p.is_gap else p.item.name, p.start, p.frames) for p in placed]


def event(number: int, code: str, *times: str, reel: str = "TAPE", channel: str = "V") -> str:
    return f"{number:03d}  {reel} {channel}     {code}        {' '.join(times)}"


def test_the_rate_is_found(tmp_path: Path) -> None:
    at24 = event(1, "C", "01:00:00:00", "01:00:01:12", "00:00:00:00", "00:00:01:12")
    assert sequence_rate(read(tmp_path, at24)) == 24
    high = event(1, "C", "01:00:00:24", "01:00:01:00", "00:00:00:00", "00:00:00:01")
    assert sequence_rate(read(tmp_path, high)) == 25
    agreeing = event(1, "C", "01:00:00:20", "01:00:01:00", "00:00:00:00", "00:00:00:10")
    assert sequence_rate(read(tmp_path, agreeing)) == 30
    fields = event(1, "C", "01:00:00:49", "01:00:01:00", "00:00:00:00", "00:00:00:01")
    assert sequence_rate(read(tmp_path, fields)) == 50
    drop = "FCM: DROP FRAME"
    assert sequence_rate(read(tmp_path, drop, at24)) == Fraction(30000, 1001)
    assert sequence_rate(read(tmp_path, drop, fields)) == Fraction(60000, 1001)
    told = read(tmp_path, at24, rate=Fraction(24000, 1001))
    assert sequence_rate(told) == Fraction(24000, 1001)
    with pytest.raises(TimelineError, match="cannot be understood"):
        read(tmp_path, fields, rate=Fraction(25))


def test_drop_frame_leaves_out_labels(tmp_path: Path) -> None:
    line = event(1, "C", "00:00:59;29", "00:01:00;03", "00:09:59;29", "00:10:00;01")
    timeline = read(tmp_path, "FCM: DROP FRAME", line)
    (clip,) = timeline.find_clips()
    assert clip.source_range.start_time.value == 1799
    assert clip.source_range.duration.value == 2
    assert timeline.global_start_time.value == 17981
    plain = read(tmp_path, "FCM: NON-DROP FRAME", line.replace(";", ":"))
    assert sequence_rate(plain) == 30
    assert plain.global_start_time.value == 17999


def test_transitions_start_with_their_event(tmp_path: Path) -> None:
    timeline = read(
        tmp_path,
        "TITLE: two",
        event(1, "C", "01:00:00:00", "01:00:02:00", "01:00:00:00", "01:00:02:00"),
        "* FROM CLIP NAME:  A",
        event(2, "C", "01:00:02:00", "01:00:02:00", "01:00:02:00", "01:00:02:00"),
        event(2, "D    010", "02:00:00:00", "02:00:01:00", "01:00:02:00", "01:00:03:00"),
        "* FROM CLIP NAME:  A",
        "* TO CLIP NAME:  B",
        event(3, "C", "02:00:01:00", "02:00:01:00", "01:00:03:00", "01:00:03:00"),
        event(3, "W012 006", "03:00:00:00", "03:00:01:00", "01:00:03:00", "01:00:04:00"),
        "FROM CLIP NAME: not a clip that it goes to",
        event(4, "C", "03:00:00:00", "03:00:01:00", "01:00:05:00", "01:00:06:00"),
        "* LOC: 01:00:05:12 RED     FIX",
    )
    assert timeline.name == "two"
    assert [(name, at, n) for name, at, n in row(timeline)] == [
        ("A", 0, 48),
        ("B", 48, 24),
        ("not a clip that it goes to", 72, 24),
        ("", 96, 24),
        ("TAPE", 120, 24),
    ]
    joins = [t for t in timeline.tracks[0] if isinstance(t, otio.schema.Transition)]
    assert [(j.transition_type, j.in_offset.value, j.out_offset.value) for j in joins] == [
        ("SMPTE_Dissolve", 0, 10),
        ("SMPTE_Wipe", 0, 6),
    ]
    (marker,) = timeline.tracks[0][-1].markers
    assert (marker.name, marker.color) == ("FIX", "RED")
    assert marker.marked_range.start_time.value == 3 * 3600 * 24 + 12


def test_speeds(tmp_path: Path) -> None:
    spans = ("01:00:00:00", "01:00:01:00", "01:00:00:00", "01:00:02:00")
    reverse = ("01:00:00:00", "01:00:01:00", "01:00:02:00", "01:00:03:00")
    timeline = read(
        tmp_path,
        "FCM: NON-DROP FRAME",
        event(1, "C", *spans),
        "M2   TAPE     015.0                01:00:00:00",
        event(2, "C", *reverse),
        "M2   TAPE     -030.0               01:00:00:00",
        event(3, "C", "01:00:00:00", "01:00:00:01", "01:00:03:00", "01:00:04:00"),
        "M2   TAPE     000.0                01:00:00:00",
        rate=Fraction(30000, 1001),
    )
    clips = timeline.find_clips()
    assert [speed_of(clip) for clip in clips] == [Fraction(1, 2), -1, 0]
    assert isinstance(clips[2].effects[0], otio.schema.FreezeFrame)


def test_channels(tmp_path: Path) -> None:
    times = ("00:00:00:00", "00:00:01:00", "00:00:00:00", "00:00:01:00")
    timeline = read(
        tmp_path,
        event(1, "C", *times, channel="AA/V"),
        event(2, "C", *times, channel="A2"),
        event(3, "C", *times, channel="NONE"),
        "AUD  3    4",
        event(4, "C", *times, channel="B", reel="LATER").replace(
            " 00:00:00:00 00:00:01:00", " 00:00:02:00 00:00:03:00"
        ),
    )
    found = {
        track.name: [item[0] for item in row(timeline, n)]
        for n, track in enumerate(timeline.tracks)
    }
    assert found == {
        "V1": ["TAPE", "", "LATER"],
        "A1": ["TAPE", "", "LATER"],
        "A2": ["TAPE"],
        "A3": ["TAPE"],
        "A4": ["TAPE"],
    }


def test_odd_lists_are_read_or_refused(tmp_path: Path) -> None:
    good = event(1, "C", "01:00:00:00", "01:00:01:00", "01:00:00:00", "01:00:01:00")
    spaced = good.replace("TAPE", "MY TAPE 7").replace("001", "000001")
    (clip,) = read(tmp_path, spaced, "* FROM CLIP: S:\\a\\b.mov").find_clips()
    assert clip.metadata["segue"]["reel"] == "MY TAPE 7"
    assert clip.media_reference.name == "b.mov"
    again = read(tmp_path, good, good)  # two at once need two tracks
    assert [len(track) for track in again.video_tracks()] == [1, 1]
    utf16 = tmp_path / "wide.edl"
    utf16.write_bytes(good.encode("utf-16"))
    assert len(read_timeline(utf16).find_clips()) == 1
    for wrong in ("no list at all", good.replace("01:00:01:00", "01:61:01:00"), "\0" + good):
        with pytest.raises(TimelineError, match=r"list\.edl"):
            read(tmp_path, wrong)
    empty = event(1, "C", *["01:00:00:00"] * 4)
    with pytest.raises(TimelineError, match="without length"):
        read(tmp_path, empty)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(50)], ids=str)
def test_other_readers_find_the_same_events(tmp_path: Path, rate: Fraction) -> None:
    edit = replace(rich_edit(rate), source_gain=0.0)
    write_edl(edit, tmp_path / "film.edl")
    theirs = otio.adapters.read_from_file(str(tmp_path / "film.edl"), rate=float(rate))
    picture = next(track for track in theirs.tracks if track.kind == "Video")
    names = [clip.name for clip in picture.find_clips()]
    assert names == [*(cut.shot for cut in edit.cuts), "BLACK"]
    assert picture.duration().value == edit.frames
    starts = [clip.range_in_parent().start_time.value for clip in picture.find_clips()]
    assert starts == [0, 36, 70, 88, 124, 149, 2150, 2185]
