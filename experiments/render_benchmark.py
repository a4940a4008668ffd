"""How long rendering takes, against one ffmpeg process that does the same work.

The yardstick is the best that a person would write by hand: one command, one input a piece with an
exact seek, one filter graph, the same x264 settings, all processor cores.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.effects import FADE_SECONDS
from segue.envs.film.gate import frame_rate, open_media, require_video
from segue.envs.film.plan import check_edit, shown_frames
from segue.envs.film.renderer import CRF, PRESET, render
from segue.envs.film.soundtrack import BIT_RATE, SAMPLE_RATE
from segue.envs.film.soundtrack import FADE_SECONDS as SOUND_FADE_SECONDS

XFADES = {"dissolve": "fade", "fade_through_black": "fadeblack", "wipe": "wiperight"}
"""ffmpeg's name of each transition."""

PATTERN = (
    *("none", "colour_boost", "none", "none", "black_and_white", "none", "slow_motion", "none"),
    *("zoom_in", "none", "none", "mirror", "none", "fade_in", "none", "none", "none", "fade_out"),
)
"""Effects of `sample_edit`: a third of the pieces."""

TRANSITION_AT = {3: "dissolve", 7: "wipe", 10: "fade_through_black", 14: "dissolve"}
"""Transitions of `sample_edit`, by piece."""

TRANSITION_FRAMES = 12


def sample_edit(film: Path, *, width: int = 1280, height: int = 720) -> Edit:
    """Make an edit of 18 pieces and about 29 s out of a film of at least a minute.

    Parameters
    ----------
    film : Path
        A film with sound.
    width, height : int
        Size in pixels.

    Raises
    ------
    SegueError
        If the film cannot be read or is too short.
    """
    with open_media(film) as container:
        stream = require_video(container)
        rate = frame_rate(stream)
        total = int(Fraction(stream.duration or 0) * (stream.time_base or 0) * rate)
    if total < 60 * rate:
        raise SegueError(f"{film} is shorter than a minute; give a longer film.")
    step = (total - 4 * int(rate)) // len(PATTERN)
    cuts = []
    for number, effect in enumerate(PATTERN):
        transition = TRANSITION_AT.get(number, "cut")
        cuts.append(
            Cut(
                source=film,
                source_rate=rate,
                source_frames=total,
                in_point=int(rate) + number * step,
                frames=30 + number * 7 % 21,
                speed=Fraction(1, 2) if effect == "slow_motion" else Fraction(1),
                effect=effect,
                transition=transition,
                transition_frames=0 if transition == "cut" else TRANSITION_FRAMES,
                shot=f"piece {number + 1}",
            )
        )
    return Edit("render benchmark", rate, width, height, tuple(cuts), film, 30.0)


def build_ffmpeg_command(edit: Edit, path: Path) -> list[str]:
    """Return the argument list of one ffmpeg process that renders the edit as `render` does.

    Parameters
    ----------
    edit : Edit
        Its effects and transitions must be segue's own.
    path : Path
        The film to write.
    """
    check_edit(edit)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-nostdin"]
    graph = []
    for number, cut in enumerate(edit.cuts):
        shown = _shown(edit, number)
        start = Fraction(cut.in_point) / cut.source_rate + shown.start / edit.rate * cut.speed
        length = (len(shown) + 2) / edit.rate * cut.speed
        command += ["-ss", f"{float(max(start, Fraction(0))):.6f}", "-t", f"{float(length):.6f}"]
        command += ["-i", str(cut.source)]
        graph.append(f"[{number}:v]{_piece_filters(edit, cut, len(shown))}[p{number}]")
    graph += _joins(edit)
    maps = ["-map", "[film]"]
    if edit.music is not None:
        command += ["-ss", f"{edit.music_start:.6f}", "-i", str(edit.music)]
        graph.append(f"[{len(edit.cuts)}:a]{_sound_filters(edit)}[sound]")
        maps += ["-map", "[sound]", "-c:a", "aac", "-b:a", str(BIT_RATE)]
    command += ["-filter_complex", ";".join(graph), *maps]
    command += ["-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-pix_fmt", "yuv420p"]
    return [*command, "-movflags", "+faststart", str(path)]


def compare_with_ffmpeg(edit: Edit, folder: Path) -> dict[str, float]:
    """Render the edit with segue and with one ffmpeg process, one after the other.

    Parameters
    ----------
    edit : Edit
        What to render.
    folder : Path
        Where the two films are written for a moment.

    Returns
    -------
    dict
        ``segue_seconds``, ``ffmpeg_seconds`` (wall), ``ratio`` (segue / ffmpeg), ``film_seconds``,
        ``segue_frames``, ``ffmpeg_frames``, ``segue_bytes`` and ``ffmpeg_bytes``.

    Raises
    ------
    SegueError
        If the edit cannot be rendered or ffmpeg fails.
    """
    with tempfile.TemporaryDirectory(prefix="segue-bench-", dir=folder) as name:
        ours, theirs = Path(name) / "segue.mp4", Path(name) / "ffmpeg.mp4"
        command = build_ffmpeg_command(edit, theirs)
        began = time.perf_counter()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        ffmpeg_seconds = time.perf_counter() - began
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise SegueError(f"ffmpeg could not render the benchmark: {said[-1] if said else ''}")
        began = time.perf_counter()
        render(edit, ours)
        segue_seconds = time.perf_counter() - began
        return {
            "segue_seconds": segue_seconds,
            "ffmpeg_seconds": ffmpeg_seconds,
            "ratio": segue_seconds / ffmpeg_seconds,
            "film_seconds": float(edit.seconds),
            "segue_frames": float(_count_frames(ours)),
            "ffmpeg_frames": float(_count_frames(theirs)),
            "segue_bytes": float(ours.stat().st_size),
            "ffmpeg_bytes": float(theirs.stat().st_size),
        }


def _shown(edit: Edit, number: int) -> range:
    """Frames that the graph takes from piece `number`: xfade overlaps the two in every case."""
    shown = shown_frames(edit, number)
    head = edit.cuts[number].transition_frames // 2
    tail = edit.cuts[number + 1].transition_frames // 2 if number + 1 < len(edit.cuts) else 0
    return range(min(shown.start, -head), max(shown.stop, edit.cuts[number].frames + tail))


def _piece_filters(edit: Edit, cut: Cut, frames: int) -> str:
    """Filter chain of one piece, exactly `frames` long."""
    width, height, rate = edit.width, edit.height, edit.rate
    seconds = float(frames / rate)
    fade = min(FADE_SECONDS, seconds / 2)
    fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease"
    pad = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"
    effects = {
        "colour_boost": "eq=saturation=1.5:contrast=1.08",
        "black_and_white": "hue=s=0",
        "zoom_in": (
            f"zoompan=z='1+0.15*on/{frames}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'"
            f":d=1:s={width}x{height}:fps={rate}"
        ),
        "mirror": "hflip",
        "fade_in": f"fade=t=in:st=0:d={fade:.4f}",
        "fade_out": f"fade=t=out:st={seconds - fade:.4f}:d={fade:.4f}",
    }
    steps = [f"setpts=(PTS-STARTPTS)/{float(cut.speed)}", f"fps={rate}", fit, pad, "setsar=1"]
    steps += ["tpad=stop_mode=clone:stop_duration=1", f"trim=end_frame={frames}"]
    steps += [effects[cut.effect]] if cut.effect in effects else []
    return ",".join([*steps, "format=yuv420p", "settb=AVTB"])


def _joins(edit: Edit) -> list[str]:
    """Concatenate at plain cuts, cross-fade elsewhere."""
    graph = []
    at = edit.cuts[0].frames  # where the next cut stands
    left = "p0"
    for number, cut in enumerate(edit.cuts[1:], start=1):
        name = "film" if number == len(edit.cuts) - 1 else f"j{number}"
        if cut.transition_frames:
            length = float(cut.transition_frames / edit.rate)
            offset = float(at / edit.rate) - length / 2
            join = f"xfade={XFADES[cut.transition]}:duration={length:.6f}:offset={offset:.6f}"
        else:
            join = "concat=n=2:v=1:a=0"
        graph.append(f"[{left}][p{number}]{join},fps={edit.rate},settb=AVTB[{name}]")
        left = name
        at += cut.frames
    return graph or ["[p0]null[film]"]


def _sound_filters(edit: Edit) -> str:
    """Cut the music to length and fade it out."""
    seconds = float(edit.seconds)
    fade = min(SOUND_FADE_SECONDS, seconds)
    return (
        f"aresample={SAMPLE_RATE},aformat=channel_layouts=stereo,apad,atrim=end={seconds:.6f},"
        f"afade=t=out:st={seconds - fade:.6f}:d={fade:.6f}"
    )


def _count_frames(path: Path) -> int:
    """Count a film's pictures by its packets."""
    with open_media(path) as container:
        return sum(packet.pts is not None for packet in container.demux(require_video(container)))
