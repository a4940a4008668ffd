"""FCP7 XML of other programs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import opentimelineio as otio
import pytest

from segue.envs.film.timelines import TimelineError, read_timeline, read_timelines, write_timeline
from segue.envs.film.timelines.layout import place, sequence_rate, source_start, speed_of

RATE = "<rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>"
FILE = f"""<file id="file-1"><name>take.mov</name><pathurl>file://localhost/m/take.mov</pathurl>
{RATE}<duration>5000</duration><timecode>{RATE}<frame>108000</frame>
<displayformat>NDF</displayformat><reel><name>R7</name></reel></timecode></file>"""
AGAIN = '<file id="file-1"/>'


def clip(name: str, start: int, end: int, first: int, file: str = AGAIN, more: str = "") -> str:
    return (
        f"<clipitem><name>{name}</name><duration>5000</duration>{RATE}<start>{start}</start>"
        f"<end>{end}</end><in>{first}</in><out>{first + 50}</out>{file}{more}</clipitem>"
    )


def join(
    start: int, end: int, alignment: str, ticks: str = "", name: str = "Cross Dissolve"
) -> str:
    return (
        f"<transitionitem><start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>"
        f"{ticks}<effect><name>{name}</name><effectid>{name}</effectid></effect></transitionitem>"
    )


def remap(speed: str, keys: str = "", more: str = "") -> str:
    graph = f"<parameter><parameterid>graphdict</parameterid>{keys}</parameter>" if keys else ""
    return (
        "<filter><effect><name>Time Remap</name><effectid>timeremap</effectid><parameter>"
        f"<parameterid>speed</parameterid><value>{speed}</value></parameter>{graph}{more}"
        "</effect></filter>"
    )


def key(when: int, value: int) -> str:
    return f"<keyframe><when>{when}</when><value>{value}</value></keyframe>"


def written(folder: Path, video: str, audio: str = "", around: tuple[str, str] = ("", "")) -> Path:
    sequence = (
        f'<sequence id="seq"><name>cut</name>{RATE}<timecode>{RATE}<frame>107892</frame>'
        "<displayformat>DF</displayformat></timecode><media><video><format><samplecharacteristics>"
        "<width>1280</width><height>720</height></samplecharacteristics></format>"
        f"{video}</video><audio>{audio}</audio></media><marker><name>here</name><comment>look"
        "</comment><in>12</in><out>-1</out></marker></sequence>"
    )
    path = folder / "in.xml"
    document = f'<xmeml version="4">{around[0]}{sequence}{around[1]}</xmeml>'
    path.write_text(f'<?xml version="1.0"?><!DOCTYPE xmeml>{document}', encoding="utf-8")
    return path


def again(timeline: otio.schema.Timeline, folder: Path) -> otio.schema.Timeline:
    write_timeline(timeline, folder / "out.xml")
    return read_timeline(folder / "out.xml")


def rows(track: otio.schema.Track) -> list[tuple[str, int, int, Fraction | None]]:
    placed = place(track, Fraction(30000, 1001))
    return [
        ("", p.start, p.frames, None)
        if p.is_gap
        else (p.item.name, p.start, p.frames, source_start(p.item) * Fraction(30000, 1001))
        for p in placed
    ]


def test_borders_under_transitions_are_put_back_to_the_cut(tmp_path: Path) -> None:
    ticks = "<cutPointTicks>16951132800</cutPointTicks>"  # two frames
    track = (
        "<track>"
        + clip("one", 10, -1, 100, FILE)
        + join(55, 65, "center")
        + clip("two", -1, -1, 200)
        + join(95, 105, "center", ticks)
        + clip("three", -1, 140, 300)
        + join(130, 140, "end-black")
        + clip("four", 150, 170, 400)
        + "</track>"
    )
    timeline = read_timeline(written(tmp_path, track))
    for found in (timeline, again(timeline, tmp_path)):
        assert sequence_rate(found) == Fraction(30000, 1001)
        assert found.global_start_time.value == 107892
        assert found.metadata["segue"]["width"] == 1280
        assert rows(found.tracks[0]) == [
            ("", 0, 10, None),
            ("one", 10, 50, 108100),
            ("two", 60, 37, 108205),
            ("three", 97, 43, 108302),
            ("", 140, 10, None),
            ("four", 150, 20, 108400),
        ]
        joins = [t for t in found.tracks[0] if isinstance(t, otio.schema.Transition)]
        assert [(j.in_offset.value, j.out_offset.value) for j in joins] == [(5, 5), (2, 8), (10, 0)]
        (marker,) = found.tracks.markers
        assert (marker.name, marker.comment) == ("here", "look")
        one = found.tracks[0].find_clips()[0]
        assert one.metadata["segue"]["reel"] == "R7"
        assert one.media_reference.target_url == "file://localhost/m/take.mov"


def test_speeds(tmp_path: Path) -> None:
    turn = "<parameter><parameterid>reverse</parameterid><value>TRUE</value></parameter>"
    curve = "<parameter><parameterid>variablespeed</parameterid><value>1</value></parameter>"
    track = (
        "<track>"
        + clip("half", 0, 50, 200, FILE, remap("50"))
        + clip(
            "fast", 50, 100, 20, AGAIN, remap("500.012", key(0, 0) + key(20, 100) + key(99, 495))
        )
        + clip("back", 100, 150, 10, AGAIN, remap("100", key(0, 900) + key(900, 0), turn))
        + clip(
            "curve",
            150,
            200,
            10,
            AGAIN,
            remap("100", key(0, 0) + key(20, 10) + key(90, 300), curve),
        )
        + "</track>"
    )
    timeline = read_timeline(written(tmp_path, track))
    for found in (timeline, again(timeline, tmp_path)):
        assert rows(found.tracks[0]) == [
            ("half", 0, 50, 108100),
            ("fast", 50, 50, 108100),
            ("back", 100, 50, 108890),
            ("curve", 150, 50, 108005),
        ]
        speeds = [speed_of(item) for item in found.find_clips()]
        assert speeds == [Fraction(1, 2), 5, -1, 1]
        assert type(found.find_clips()[3].effects[0]) is otio.schema.TimeEffect


def test_sound_filters_slates_and_generators(tmp_path: Path) -> None:
    words = (
        "<generatoritem><name>Text</name><start>5</start><end>25</end><in>0</in><out>20</out>"
        "<effect><name>Text</name><effectid>Text</effectid><effecttype>generator</effecttype>"
        "<parameter><parameterid>str</parameterid><value>Hello &amp; you</value></parameter>"
        "</effect></generatoritem>"
    )
    blur = (
        "<filter><effect><name>Blur</name><effectid>blur</effectid>"
        "<parameter><value>7</value></parameter></effect></filter>"
    )
    slate = "<logginginfo><scene>12</scene><shottake>3</shottake></logginginfo>"
    level = (
        "<filter><effect><name>Audio Levels</name><effectid>audiolevels</effectid><parameter>"
        "<parameterid>level</parameterid><value>0.5</value></parameter></effect></filter>"
    )
    off = "<enabled>FALSE</enabled>"
    one, hidden = clip("one", 0, 50, 0, FILE, blur + slate), clip("off", 50, 60, 0, AGAIN, off)
    video = f"<track>{one}{hidden}</track><track>{words}</track>"
    audio = (
        f"<track currentExplodedTrackIndex='0'>{clip('snd', 0, 50, 0, AGAIN, level)}</track>"
        f"<track currentExplodedTrackIndex='1'>{clip('snd', 0, 50, 0, AGAIN, level)}</track>"
    )
    timeline = read_timeline(written(tmp_path, video, audio))
    for found in (timeline, again(timeline, tmp_path)):
        assert [(track.kind, len(track)) for track in found.tracks] == [
            ("Video", 2),
            ("Video", 2),
            ("Audio", 1),
        ]
        one, off_clip = found.tracks[0]
        assert [effect.effect_name for effect in one.effects] == ["Blur"]
        assert dict(one.metadata["segue"]) == {"reel": "R7", "scene": "12", "take": "3"}
        assert not off_clip.enabled
        assert found.tracks[1][1].media_reference.parameters["text"] == "Hello & you"
        assert found.tracks[2][0].effects[0].metadata["segue"]["gain"] == 0.5
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert [e.text for e in root.iterfind(".//effect[effectid='blur']/parameter/value")] == ["7"]
    ids = [e.get("id") for e in root.iter("clipitem")]
    assert len(ids) == len(set(ids))


def test_nested_sequences(tmp_path: Path) -> None:
    deep = clip("deep", 0, 80, 40, FILE)
    inner = (
        f'<sequence id="in"><name>inner</name>{RATE}<media><video><track>{deep}</track></video>'
        "</media></sequence>"
    )
    nest = '<sequence id="in"/>'
    track = f"<track>{clip('a', 0, 30, 10, inner)}{clip('b', 30, 60, 20, nest)}</track>"
    timeline = read_timeline(written(tmp_path, track))
    for found in (timeline, again(timeline, tmp_path)):
        stacks = [item for item in found.tracks[0] if isinstance(item, otio.schema.Stack)]
        assert [source_start(stack) * Fraction(30000, 1001) for stack in stacks] == [10, 20]
        assert [clip_.name for clip_ in found.find_clips()] == ["deep", "deep"]
    itself = "<track>" + clip("a", 0, 30, 10, "<sequence id='seq'/>") + "</track>"
    with pytest.raises(TimelineError, match="contains itself"):
        read_timeline(written(tmp_path, itself))


def test_sequences_are_found_in_bins(tmp_path: Path) -> None:
    around = ("<project><children><bin><children>", "</children></bin></children></project>")
    path = written(tmp_path, f"<track>{clip('one', 0, 50, 0, FILE)}</track>", around=around)
    assert [timeline.name for timeline in read_timelines(path)] == ["cut"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<timebase>30", "<timebase>0"),
        ("<timebase>30", "<timebase>1e9"),
        ("<start>0", "<start>soon"),
        ("<in>0", "<in>nan"),
        ("<end>50", "<end>99999999999999999999"),
        ("<sequence", "<bin"),
    ],
)
def test_impossible_values_are_refused(tmp_path: Path, old: str, new: str) -> None:
    path = written(tmp_path, f"<track>{clip('one', 0, 50, 0, FILE)}</track>")
    text = (
        path.read_text()
        .replace(old, new)
        .replace("</sequence>", "</bin>" if "bin" in new else "</sequence>")
    )
    path.write_text(text)
    with pytest.raises(TimelineError, match=r"in\.xml"):
        read_timeline(path)
