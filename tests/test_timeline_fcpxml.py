"""FCPXML of other programs: what it says is kept, also through writing and reading again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import opentimelineio as otio
import pytest

from segue.envs.film.timelines import (
    TimelineError,
    read_timeline,
    read_timelines,
    to_edit,
    write_timeline,
)
from segue.envs.film.timelines.layout import place, sequence_rate, source_start, speed_of

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.8">'
RESOURCES = """
<resources>
  <format id="f" frameDuration="1001/30000s" width="1280" height="720"/>
  <format id="s" name="FFVideoFormatRateUndefined"/>
  <asset id="a" name="take" src="file:///m/take.mov" start="3600s" duration="600s" hasVideo="1"
    format="f" hasAudio="1"><metadata>
    <md key="com.apple.proapps.studio.reel" value="R7"/></metadata></asset>
  <asset id="m" name="tune" src="file:///m/tune.wav" duration="90s" hasAudio="1" format="s"/>
  <effect id="x" name="Cross Dissolve" uid="FxPlug:1"/>
  <effect id="b" name="Blur" uid="FxPlug:2"/>
  <effect id="t" name="Basic Lower Third" uid=".../Basic Lower Third.moti"/>
  <media id="c" name="inner"><sequence format="f" duration="20020/3000s"><spine>
    <asset-clip ref="a" name="deep" offset="0s" start="3600s" duration="10010/3000s"/>
    <transition name="Cross Dissolve" offset="8008/3000s" duration="4004/3000s">
      <filter-video ref="x" name="Cross Dissolve"/></transition>
    <asset-clip ref="a" name="deeper" offset="10010/3000s" start="3700s" duration="10010/3000s"/>
  </spine></sequence></media>
</resources>"""
STORY = """
<asset-clip ref="a" name="first" offset="0s" start="3603600/1000s" duration="10010/3000s">
  <note>keep</note><adjust-transform scale="2 2"/>
  <title ref="t" lane="2" name="words" offset="36046010/10000s" duration="1001/1000s">
    <text><text-style ref="ts1">Hello &amp; good-bye</text-style></text>
    <text-style-def id="ts1"><text-style font="Helvetica"/></text-style-def></title>
  <asset-clip ref="m" lane="-1" name="music" offset="3603600/1000s" start="2s"
    duration="20020/1000s" audioRole="music"><adjust-volume amount="-6dB"/></asset-clip>
  <spine lane="1" offset="36046010/10000s">
    <asset-clip ref="a" name="over" offset="0s" start="3800s" duration="1001/1000s"/>
    <transition name="Swing" offset="2002/3000s" duration="2002/3000s"/>
    <asset-clip ref="a" name="over2" offset="1001/1000s" start="3900s" duration="1001/1000s"/>
  </spine>
  <marker start="3603600/1000s" duration="1001/30000s" value="why" note="because" completed="0"/>
  <filter-video ref="b" name="Blur"><param name="Amount" key="9" value="12"/></filter-video>
  <metadata><md key="com.apple.proapps.studio.scene" value="17"/>
    <md key="com.apple.proapps.studio.shot" value="3"/></metadata>
</asset-clip>
<transition name="Cross Dissolve" offset="9009/3000s" duration="4004/3000s">
  <filter-video ref="x" name="Cross Dissolve"><param name="Look" key="1" value="11"/></filter-video>
</transition>
<asset-clip ref="a" name="slow" offset="10010/3000s" start="72072/10s" duration="10010/3000s">
  <timeMap frameSampling="floor" preservesPitch="0">
    <timept time="72072/10s" value="36036/10s" interp="linear"/>
    <timept time="84084/10s" value="42042/10s" interp="linear"/></timeMap></asset-clip>
<clip name="ramp" offset="20020/3000s" start="0s" duration="10010/3000s">
  <timeMap><timept time="0s" value="0s" interp="smooth2"/>
    <timept time="1001/1000s" value="1001/500s" interp="smooth2"/>
    <timept time="20s" value="5s" interp="smooth2"/></timeMap>
  <video ref="a" offset="0s" start="3600s" duration="600s"/>
  <clip name="detached" lane="-2" offset="0s" duration="1001/1000s">
    <gap offset="0s" duration="100s"><audio ref="a" lane="-1" offset="0s" start="3610s"
      duration="100s"/></gap></clip></clip>
<gap name="Gap" offset="30030/3000s" start="3600s" duration="10010/3000s">
  <marker start="3601001/1000s" value="in the gap"/></gap>
<ref-clip ref="c" name="compound" offset="40040/3000s" start="1001/1000s" duration="10010/3000s"/>
<audition offset="50050/3000s">
  <asset-clip ref="a" name="picked" start="3650s" duration="10010/3000s"/>
  <asset-clip ref="a" name="spare" start="3660s" duration="10010/3000s"/></audition>
"""


def written(folder: Path, story: str = STORY, resources: str = RESOURCES, tail: str = "") -> Path:
    project = (
        '<library><event name="e"><project name="p"><sequence format="f" tcStart="0s" '
        f'tcFormat="NDF"><spine>{story}</spine></sequence></project>{tail}</event></library>'
    )
    path = folder / "in.fcpxml"
    path.write_text(f"{HEAD}{resources}{project}</fcpxml>", encoding="utf-8")
    return path


def check(timeline: otio.schema.Timeline) -> None:
    """What both the file and its copy must say."""
    rate = sequence_rate(timeline)
    assert rate == Fraction(30000, 1001)
    rows = {
        track.name: [(p.item.name, p.start, p.frames) for p in place(track, rate)]
        for track in timeline.tracks
    }
    main = ["first", "slow", "ramp", "Gap", "compound", "picked"]
    assert rows["V1"] == [(name, 100 * k, 100) for k, name in enumerate(main)]
    assert rows["V2"] == [("", 0, 30), ("over", 30, 30), ("over2", 60, 30)]
    assert rows["V3"] == [("", 0, 30), ("words", 30, 30)]
    assert rows["A1"] == [("music", 0, 600)]
    assert rows["A2"] == [("", 0, 200), ("detached", 200, 30)]
    items = {c.name: c for c in timeline.find_children(descended_from_type=otio.core.Item)}
    joins = timeline.find_children(descended_from_type=otio.schema.Transition)
    assert sorted((j.name, j.in_offset.value, j.out_offset.value) for j in joins) == [
        ("Cross Dissolve", 10, 30),
        ("Cross Dissolve", 20, 20),
        ("Swing", 10, 10),
    ]
    assert source_start(items["first"]) == Fraction(36036, 10)
    assert source_start(items["slow"]) == Fraction(36036, 10)
    assert speed_of(items["slow"]) == Fraction(1, 2)
    assert source_start(items["ramp"]) == 3600
    assert isinstance(items["ramp"].effects[0], otio.schema.TimeEffect)
    assert source_start(items["compound"]) == Fraction(1001, 1000)
    assert source_start(items["detached"]) == 3610
    assert source_start(items["picked"]) == 3650
    assert [effect.effect_name for effect in items["first"].effects] == ["Blur"]
    (marker,) = items["first"].markers
    assert (marker.name, marker.comment, marker.color) == ("why", "because", "RED")
    told = dict(items["first"].metadata["segue"])
    assert told == {"reel": "R7", "scene": "17", "take": "3"}
    assert items["words"].media_reference.parameters["text"] == "Hello & good-bye"
    assert items["Gap"].markers[0].name == "in the gap"


def test_everything_is_read_and_written_again(tmp_path: Path) -> None:
    timeline = read_timeline(written(tmp_path))
    check(timeline)
    write_timeline(timeline, tmp_path / "out.fcpxml")
    check(read_timeline(tmp_path / "out.fcpxml"))
    root = ElementTree.parse(tmp_path / "out.fcpxml").getroot()
    assert len(list(root.iter("transition"))) == 3
    assert [e.get("value") for e in root.iterfind(".//filter-video/param")] == ["12", "11"]
    assert [len(e) for e in root.iter("timeMap")] == [2, 3]
    assert root.find(".//adjust-transform").get("scale") == "2 2"  # type: ignore[union-attr]
    assert root.find(".//adjust-volume") is not None
    uids = {e.get("name"): e.get("uid") for e in root.iter("effect")}
    assert uids["Blur"] == "FxPlug:2"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert {e.get("ref") for e in root.iter() if e.get("ref")} <= set(ids)


def test_written_documents_keep_the_order_and_the_grid(tmp_path: Path) -> None:
    write_timeline(read_timeline(written(tmp_path)), tmp_path / "out.fcpxml")
    root = ElementTree.parse(tmp_path / "out.fcpxml").getroot()
    order = ["note", "adjust-transform", "asset-clip", "marker", "filter-video", "metadata"]
    first = root.find(".//project/sequence/spine/asset-clip")
    assert first is not None
    tags = list(dict.fromkeys(child.tag for child in first))
    assert [tag for tag in tags if tag not in ("title", "spine")] == order
    rate = Fraction(30000, 1001)
    for element in root.iterfind(".//project//*[@duration]"):
        for name in ("duration", "offset"):
            if element.get(name) and element.tag != "timept":
                assert (Fraction(element.get(name, "")[:-1]) * rate).denominator == 1


def test_a_demonstration_can_be_made_of_it(tmp_path: Path) -> None:
    edit = to_edit(read_timeline(written(tmp_path)))
    shown = [(cut.shot, cut.frames, cut.transition) for cut in edit.cuts]
    assert shown == [
        ("first", 30, "cut"),
        ("over", 30, "cut"),
        ("over2", 30, "dissolve"),
        ("first", 20, "cut"),  # the cut stood 10 frames off the middle of its dissolve
        ("slow", 90, "dissolve"),
        ("ramp", 100, "cut"),
        ("deep", 70, "cut"),
        ("deeper", 30, "dissolve"),
        ("picked", 100, "cut"),
    ]
    assert edit.cuts[0].in_point == 108
    assert edit.music == Path("tune.wav")
    assert edit.music_start == 2.0
    assert [title.place for title in edit.titles] == ["lower_third"]


def test_compound_clips_stand_for_projects_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "clips.fcpxml"
    path.write_text(f'{HEAD}{RESOURCES}<ref-clip ref="c" duration="1s"/></fcpxml>')
    assert [timeline.name for timeline in read_timelines(path)] == ["inner"]
    path.write_text(f'{HEAD}<resources/><asset-clip ref="a" duration="1s"/></fcpxml>')
    with pytest.raises(TimelineError, match="no project"):
        read_timeline(path)


def test_a_bundle_is_read(tmp_path: Path) -> None:
    bundle = tmp_path / "film.fcpxmld"
    bundle.mkdir()
    written(tmp_path).rename(bundle / "Info.fcpxml")
    check(read_timeline(bundle))


@pytest.mark.parametrize(
    "story",
    [
        '<asset-clip ref="a" duration="1/0s"/>',
        '<asset-clip ref="a" duration="-1s"/>',
        '<asset-clip ref="a" duration="soon"/>',
        '<clip name="no length"/>',
        '<asset-clip ref="a" duration="1s" offset="99999999999999999999s"/>',
    ],
)
def test_impossible_times_are_refused(tmp_path: Path, story: str) -> None:
    with pytest.raises(TimelineError, match=r"in\.fcpxml"):
        read_timeline(written(tmp_path, story))


def test_what_is_not_defined_is_missing_media(tmp_path: Path) -> None:
    story = '<asset-clip ref="gone" name="lost" duration="1001/1000s"/>'
    (clip,) = read_timeline(written(tmp_path, story)).find_clips()
    assert isinstance(clip.media_reference, otio.schema.MissingReference)
    with pytest.raises(TimelineError, match="frame rate"):
        read_timeline(written(tmp_path, story, "<resources/>"))


def test_compound_clips_that_explode_are_refused(tmp_path: Path) -> None:
    levels = "".join(
        f'<media id="c{k}"><sequence format="f"><spine>'
        + f'<ref-clip ref="c{k + 1}" duration="1001/1000s"/>' * 10
        + "</spine></sequence></media>"
        for k in range(9)
    )
    resources = RESOURCES.replace("</resources>", levels + "</resources>")
    story = '<ref-clip ref="c0" duration="1001/1000s"/>'
    with pytest.raises(TimelineError, match="events allowed"):
        read_timeline(written(tmp_path, story, resources))
    itself = levels.split("<ref-clip")[0] + story + "</spine></sequence></media></resources>"
    with pytest.raises(TimelineError, match="contains itself"):
        read_timeline(written(tmp_path, story, RESOURCES.replace("</resources>", itself)))
