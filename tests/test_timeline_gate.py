"""Hostile and broken timeline files give a timeline or one typed error, never anything else."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from timeline_edits import FORMATS, rich_edit

from segue.envs.base.errors import SegueError
from segue.envs.film.timelines import (
    TimelineError,
    read_timeline,
    read_timelines,
    to_edit,
    to_otio,
    write_timeline,
)
from segue.envs.film.timelines.gate import Limits

MUTATIONS = tuple(
    (old.encode(), new.encode())
    for old, new in (
        (r'duration="[^"]*"', 'duration="-5/0s"'),
        (r'duration="[^"]*"', 'duration="99999999999999999s"'),
        (r'offset="[^"]*"', 'offset="-3600s"'),
        (r'ref="r\d+"', 'ref="r1"'),
        (r'frameDuration="[^"]*"', 'frameDuration="0s"'),
        (r'lane="[^"]*"', 'lane="99999999999"'),
        (r"<timebase>\d+", "<timebase>0"),
        (r"<start>-?\d+", "<start>-1"),
        (r"<in>-?\d+", "<in>nan"),
        (r"<sequence id", "<sequence/><sequence id"),
        (r"<clipitem", "<a>" * 150 + "</a>" * 150 + "<clipitem"),
        (r"<name>", "<name>&lol;"),
        (r'"value": ?[\d.]+', '"value": 1e308'),
        (r'"value": ?[\d.]+', '"value": NaN'),
        (r'"rate": ?[\d.]+', '"rate": 0'),
        (r'"children": ?\[', '"children": [null,'),
        (r'"OTIO_SCHEMA": ?"\w+\.1"', '"OTIO_SCHEMA": "Clip.1"'),
        (r'"tracks":', '"x":'),
        (r'"time_scalar": ?[\d.]+', '"time_scalar": NaN'),
        (r"\d\d:\d\d:\d\d[:;]\d\d", "99:99:99:99"),
        (r"\d\d:\d\d:\d\d[:;]\d\d", "00:00:00:00"),
        (r" D +\d+", " D 999999"),
        (r"SPEED IS .*", "SPEED IS 1/0"),
        (r"FRAME RATE IS .*", "FRAME RATE IS -1"),
    )
)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Put in an impossible value, or flip, cut, repeat and leave out bytes."""
    fitting = [(old, new) for old, new in MUTATIONS if re.search(old, data)]
    if rng.randrange(2) and fitting:
        old, new = rng.choice(fitting)
        places = [match.span() for match in re.finditer(old, data)]
        begin, end = rng.choice(places)
        return data[:begin] + new + data[end:]
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 12))):
        place = rng.randrange(len(changed) or 1)
        kind = rng.randrange(4)
        if not changed or kind == 0:
            changed[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del changed[place:]
        elif kind == 2:
            changed[place:place] = bytes(changed[place : place + 300]) * rng.choice((1, 40))
        else:
            del changed[place : place + rng.randrange(1, 60)]
    return bytes(changed)


def attempt(action: Callable[[], Any]) -> tuple[Any, str]:
    """What an action gives, or the one sentence with which it refuses."""
    try:
        return action(), ""
    except SegueError as error:
        said = str(error)
    assert "\n" not in said
    return None, said


def test_mutated_files_give_a_timeline_or_one_error(tmp_path: Path) -> None:
    rng = random.Random(7)
    whole = {}
    for suffix in FORMATS:
        write_timeline(to_otio(rich_edit(Fraction(30000, 1001))), tmp_path / f"whole{suffix}")
        whole[suffix] = (tmp_path / f"whole{suffix}").read_bytes()
    outcomes = {"read": 0, "refused": 0}
    for number in range(60):
        suffix = FORMATS[number % len(FORMATS)]
        path = tmp_path / f"changed{suffix}"
        path.write_bytes(mutated(whole[suffix], rng))
        begin = time.monotonic()
        timelines, said = attempt(lambda path=path: read_timelines(path))  # type: ignore[misc]
        outcomes["read" if timelines else "refused"] += 1
        assert timelines or path.name in said
        for timeline in timelines or ():
            assert timeline.duration().to_seconds() >= 0
            attempt(lambda timeline=timeline: to_edit(timeline))  # type: ignore[misc]
            for target in FORMATS:
                copy = tmp_path / f"copy{target}"
                attempt(lambda t=timeline, copy=copy: write_timeline(t, copy))  # type: ignore[misc]
        assert time.monotonic() - begin < 5
    assert min(outcomes.values()) > 10
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def xml(folder: Path, text: str, name: str = "x.xml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_xml_expands_to_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    bomb = '<!DOCTYPE xmeml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xmeml>&b;</xmeml>'
    outside = f'<!DOCTYPE xmeml [<!ENTITY a SYSTEM "{secret.as_uri()}">]><xmeml>&a;</xmeml>'
    for text in (bomb, outside):
        with pytest.raises(TimelineError, match="entity"):
            read_timeline(xml(tmp_path, text))
    fetched = f'<!DOCTYPE xmeml SYSTEM "{secret.as_uri()}"><xmeml/>'
    with pytest.raises(TimelineError, match="no sequence"):
        read_timeline(xml(tmp_path, fetched))
    deep = "<xmeml>" + "<bin>" * 5000 + "</bin>" * 5000 + "</xmeml>"
    with pytest.raises(TimelineError, match="deeper"):
        read_timeline(xml(tmp_path, deep))
    with pytest.raises(TimelineError, match="elements allowed"):
        read_timeline(
            xml(tmp_path, "<xmeml>" + "<a/>" * 99 + "</xmeml>"), limits=Limits(elements=50)
        )
    with pytest.raises(TimelineError, match="not the timeline of an editing program"):
        read_timeline(xml(tmp_path, "<filter/>"))


def plain_otio() -> dict[str, Any]:
    timeline = to_otio(rich_edit(Fraction(24)))
    return json.loads(timeline.to_json_string())  # type: ignore[no-any-return]


def read_json(folder: Path, value: object) -> otio.schema.Timeline:
    text = value if isinstance(value, str) else json.dumps(value)
    return read_timeline(xml(folder, text, "x.otio"))


def test_what_would_crash_the_otio_library_is_refused(tmp_path: Path) -> None:
    """Each of these ends the process with a segmentation fault in OpenTimelineIO 0.18."""
    itself = plain_otio()
    itself["OTIO_REF_ID"] = "me"
    itself["metadata"] = {"a": {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "me"}}
    with pytest.raises(TimelineError, match="from inside"):
        read_json(tmp_path, itself)
    trackless = plain_otio()
    trackless["tracks"] = None
    with pytest.raises(TimelineError, match="without tracks"):
        read_json(tmp_path, trackless)
    deep = json.dumps(plain_otio()).replace(
        '"metadata": {', '"metadata": {"a": ' + "[" * 400 + "]" * 400 + ", ", 1
    )
    with pytest.raises(TimelineError, match="deeper"):
        read_json(tmp_path, deep)
    with pytest.raises(TimelineError, match=r"x\.otio"):
        read_json(tmp_path, "[" * 200_000)


def test_otio_objects_that_are_used_twice_are_copied(tmp_path: Path) -> None:
    shared = plain_otio()
    first, second = (shared["tracks"]["children"][0]["children"][k] for k in (0, 2))
    first["media_references"]["DEFAULT_MEDIA"]["OTIO_REF_ID"] = "media"
    again = {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "media"}
    second["media_references"]["DEFAULT_MEDIA"] = again
    timeline = read_json(tmp_path, shared)
    references = [clip.media_reference for clip in timeline.find_clips()[:2]]
    assert references[0].is_equivalent_to(references[1])
    del first["media_references"]["DEFAULT_MEDIA"]["OTIO_REF_ID"]
    with pytest.raises(TimelineError, match="before it"):
        read_json(tmp_path, shared)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": 1e308}, "cannot be"),
        ({"rate": -24.0}, "cannot be"),
        ({"rate": 0.0}, "cannot be"),
        ({"value": -5.0}, "cannot be"),
        ({"value": "x"}, r"x\.otio"),
    ],
)
def test_impossible_times_are_refused(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    bad = plain_otio()
    bad["tracks"]["children"][0]["children"][0]["source_range"]["duration"].update(change)
    with pytest.raises(TimelineError, match=words):
        read_json(tmp_path, bad)


def test_bare_infinities_of_otio_are_read(tmp_path: Path) -> None:
    odd = plain_otio()
    odd["metadata"] = {"a": "INF", "words": 'Inf, "Inf"'}
    text = json.dumps(odd).replace('"INF"', "Inf")
    timeline = read_json(tmp_path, text)
    assert timeline.metadata["words"] == 'Inf, "Inf"'


def test_files_are_capped_and_only_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "film.otio"
    write_timeline(to_otio(rich_edit(Fraction(24))), path)
    with pytest.raises(TimelineError, match="bytes allowed"):
        read_timeline(path, limits=Limits(size=1000))
    with pytest.raises(TimelineError, match="events allowed"):
        read_timeline(path, limits=Limits(events=5))
    pipe = tmp_path / "pipe.edl"
    os.mkfifo(pipe)
    for wrong, words in (
        (pipe, "is not a file"),
        (tmp_path / "gone.edl", "does not exist"),
        (tmp_path / "folder.xml", "is not a file"),
        (tmp_path / "film.mp4", "is no timeline"),
    ):
        (tmp_path / "folder.xml").mkdir(exist_ok=True)
        with pytest.raises(TimelineError, match=words):
            read_timeline(wrong)
    empty = xml(tmp_path, " \n", "empty.edl")
    with pytest.raises(TimelineError, match="is empty"):
        read_timeline(empty)


@pytest.mark.parametrize("suffix", FORMATS)
def test_named_media_are_not_opened(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"film{suffix}"
    write_timeline(to_otio(rich_edit(Fraction(25))), path)
    opened = []
    usual = Path.open

    def watched(self: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(self)
        return usual(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", watched)
    to_edit(read_timeline(path))
    assert opened == [path]


def test_a_failed_write_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "film.edl"
    path.write_text("earlier")
    timeline = to_otio(rich_edit(Fraction(24)))
    timeline.tracks.append(timeline.tracks[0].deepcopy())
    with pytest.raises(TimelineError, match="picture tracks"):
        write_timeline(timeline, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.edl"]
    assert path.read_text() == "earlier"
    with pytest.raises(SegueError, match="does not exist"):
        write_timeline(to_otio(rich_edit(Fraction(24))), tmp_path / "nowhere" / "film.edl")
