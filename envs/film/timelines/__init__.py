"""Timelines that editing programs open: OpenTimelineIO, CMX 3600, FCP7 XML and FCPXML.

Everything goes through OpenTimelineIO's model: `read_timeline` and `write_timeline` choose the
format by the file's ending, `to_otio` and `to_edit` translate segue's own record of an edit.

The library of each format was tried and is used where it reads right. OTIO's own JSON is. The CMX
adapter knows no drop-frame and no rate, fails at lists that editing programs write and writes
wipes as dissolves; the FCP7 adapter loses speeds and puts the cut of uneven transitions in the
wrong place; the FCPXML adapter drops transitions, filters and time maps and fails at 23.976, 29.97
and 59.94. Those three formats are therefore read and written here.
"""

from __future__ import annotations

from segue.envs.film.timelines.files import (
    read_timeline,
    read_timelines,
    write_edl,
    write_otio,
    write_timeline,
)
from segue.envs.film.timelines.from_edit import to_otio
from segue.envs.film.timelines.gate import TimelineError
from segue.envs.film.timelines.to_edit import to_edit

__all__ = [
    "TimelineError",
    "read_timeline",
    "read_timelines",
    "to_edit",
    "to_otio",
    "write_edl",
    "write_otio",
    "write_timeline",
]
