"""The lines of an edit decision list as events, with their timecode not yet counted."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fractions import Fraction

from segue.envs.film.timelines.cmx_comments import Comments
from segue.envs.film.timelines.gate import Budget, TimelineError
from segue.envs.film.timelines.rates import timecode_fields

_TIMECODE = re.compile(r"\d{1,3}([:;.,]\d{1,2}){2}[:;.,]\d{1,3}")
_CODE = re.compile(r"C|D|W\d{1,3}|K[BO]?")
_MOTION = re.compile(r"M2\s+(.*?)\s+(-?\d{1,5}(?:\.\d{1,4})?)\s+([\d:;.,]+)\s*")
_LOCATOR = re.compile(r"LOC:\s*([\d:;.,]+)\s+(\w+)\s*(.*)")
_TITLE = re.compile(r"TITLE AT ([\d:;.,]+) FOR (\d{1,9}) FRAMES IN (\w+): (.*)")
_HEADER = re.compile(r"(FRAME RATE IS|PICTURE SIZE IS) (.*)")


@dataclass
class Line:
    """One event as it stands.

    Attributes
    ----------
    reel, channel, code : str
        As written, in capitals.
    length : int
        Frames of its transition.
    times : list of str
        Source in and out, record in and out.
    drop : bool
        Whether its list counts drop-frame there.
    motion : list of (str, Fraction)
        Reels and speeds, in frames per second, of its ``M2`` lines.
    locators : list of (str, str, str)
        Timecode, colour and words.
    tracks : list of int
        Sound tracks that ``AUD`` adds.
    comments : Comments
        What its comments say.
    """

    reel: str
    channel: str
    code: str
    length: int
    times: list[str]
    drop: bool
    motion: list[tuple[str, Fraction]] = field(default_factory=list)
    locators: list[tuple[str, str, str]] = field(default_factory=list)
    tracks: list[int] = field(default_factory=list)
    comments: Comments = field(default_factory=Comments)


@dataclass
class CmxList:
    """A whole list as it stands.

    Attributes
    ----------
    title : str
        Name.
    rate, size : str
        What segue's own comments tell of the frame rate and the picture size.
    drop : bool or None
        What the first ``FCM`` line says; None where there is none.
    titles : list of (str, int, str, str)
        Timecode, frames, place and words.
    events : list of Line
        In the order of the file.
    """

    title: str = ""
    rate: str = ""
    size: str = ""
    drop: bool | None = None
    titles: list[tuple[str, int, str, str]] = field(default_factory=list)
    events: list[Line] = field(default_factory=list)


def scan(text: str, budget: Budget) -> CmxList:
    """Read the lines of a list.

    Parameters
    ----------
    text : str
        The file.
    budget : Budget
        Every event is counted.

    Raises
    ------
    TimelineError
        If it holds no event, or too many.
    """
    found = CmxList()
    drop = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("TITLE:") and not found.events:
            found.title = line[6:].strip()
        elif line.startswith("FCM:"):
            drop = "NON" not in line.upper()
            found.drop = drop if found.drop is None else found.drop
        elif line[:1].isdigit():
            event = _event(line, drop)
            if event is not None:
                budget.spend()
                found.events.append(event)
        elif line:
            _note(line, found)
    if not found.events:
        raise TimelineError(f"{budget.source} holds no event of a CMX 3600 list; export it again.")
    return found


def likely_rate(found: CmxList) -> Fraction:
    """Frames per second that a list which does not tell them was probably written at.

    Drop-frame means 29.97, or 59.94 where frame numbers reach 30. Otherwise it is the rate of 24,
    25, 30, 50 and 60 that has room for every frame number and at which most events last as long in
    the source as in the record.
    """
    events = [[timecode_fields(time) for time in event.times] for event in found.events]
    most = max(fields[3] for event in events for fields in event)
    if found.drop or any(";" in time for event in found.events for time in event.times):
        return Fraction(30000 if most < 30 else 60000, 1001)

    def agreeing(rate: int) -> int:
        total = 0
        for event in events:
            first, last, begin, end = (((h * 60 + m) * 60 + s) * rate + f for h, m, s, f in event)
            total += last - first == end - begin
        return total

    fitting = [rate for rate in (24, 25, 30, 50, 60) if rate > most]
    if not fitting:
        raise ValueError(f"frame numbers up to {most}")
    return Fraction(max(fitting, key=lambda rate: (agreeing(rate), -rate)))


def _event(line: str, drop: bool) -> Line | None:
    """Read an event's line; None where it is something else."""
    words = line.split()
    times = words[-4:]
    if len(words) < 8 or not all(_TIMECODE.fullmatch(time) for time in times):
        return None
    head = words[1:-4]
    length = 0
    if head[-1].isdigit() and len(head) > 2 and _CODE.fullmatch(head[-2].upper()):
        length = int(head.pop()[:6])
    if head[-1].upper() in ("B", "O") and len(head) > 3:  # "K B" is a key's background
        head.pop()
    code, channel, reel = head[-1].upper(), head[-2].upper(), " ".join(head[:-2])
    if not _CODE.fullmatch(code) or not reel:
        return None
    return Line(reel, channel, code, length, times, drop or ";" in line)


def _note(line: str, found: CmxList) -> None:
    """Take in a line that is no event."""
    event = found.events[-1] if found.events else None
    motion = _MOTION.fullmatch(line)
    if line.startswith("M2"):
        if motion and event is not None:
            event.motion.append((motion[1].upper(), Fraction(motion[2])))
        return
    if line.startswith("AUD ") and event is not None:
        event.tracks += [int(word[:3]) for word in line.split()[1:] if word.isdigit()]
        return
    comment = line.removeprefix("*").strip()
    title, header = _TITLE.fullmatch(comment), _HEADER.fullmatch(comment)
    locator = _LOCATOR.match(comment)
    if title:
        found.titles.append((title[1], int(title[2]), title[3], _unquoted(title[4])))
    elif header:
        if header[1].startswith("FRAME"):
            found.rate = header[2]
        else:
            found.size = header[2]
    elif locator and event is not None:
        event.locators.append((locator[1], locator[2], locator[3]))
    elif event is not None:
        event.comments.add(comment)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text
