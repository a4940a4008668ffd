"""The yardstick of rendering: one ffmpeg process whose filter graph does what an edit asks.

The best that a person would write by hand: one input a piece with an exact seek, one graph, the
same x264 settings, all processor cores.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from segue.envs.film.edit import Cut, Edit
from segue.envs.film.plan import check_edit, shown_frames
from segue.envs.film.plane_effects import BLUR, FADE_SECONDS, FLASH_SECONDS, LETTERBOX
from segue.envs.film.renderer import CRF, PRESET
from segue.envs.film.soundtrack import BIT_RATE
from segue.envs.film.soundtrack import FADE_SECONDS as SOUND_FADE_SECONDS
from segue.envs.film.source_sound import SAMPLE_RATE, SPEEDS

XFADES = {
    **{"dissolve": "fade", "fade_through_black": "fadeblack", "wipe": "wiperight"},
    **{"dip_to_white": "fadewhite", "wipe_up": "wipeup", "clock_wipe": "radial"},
    **{"iris": "circleopen", "slide": "coverleft", "push": "slideleft"},
    **{"zoom": "zoomin", "whip": "hblur"},
}
"""ffmpeg's name of each transition that draws."""


def build_ffmpeg_command(edit: Edit, path: Path) -> list[str]:
    """Return the argument list of one ffmpeg process that renders the edit as `render` does.

    Parameters
    ----------
    edit : Edit
        Its effects and transitions must be segue's own; titles and tail are left out.
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
    if edit.source_gain:
        graph += _own_sound(edit)
        maps += ["-map", "[sound]", "-c:a", "aac", "-b:a", str(BIT_RATE)]
    elif edit.music is not None:
        command += ["-ss", f"{edit.music_start:.6f}", "-i", str(edit.music)]
        graph.append(f"[{len(edit.cuts)}:a]{_sound_filters(edit)}[sound]")
        maps += ["-map", "[sound]", "-c:a", "aac", "-b:a", str(BIT_RATE)]
    command += ["-filter_complex", ";".join(graph), *maps]
    command += ["-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-pix_fmt", "yuv420p"]
    return [*command, "-movflags", "+faststart", str(path)]


def _shown(edit: Edit, number: int) -> range:
    """Frames that the graph takes from piece `number`: xfade overlaps the two in every case."""
    shown = shown_frames(edit, number)
    head = edit.cuts[number].transition_frames // 2
    tail = edit.cuts[number + 1].transition_frames // 2 if number + 1 < len(edit.cuts) else 0
    return range(min(shown.start, -head), max(shown.stop, edit.cuts[number].frames + tail))


def _piece_filters(edit: Edit, cut: Cut, frames: int) -> str:
    """Filter chain of one piece, exactly `frames` long."""
    width, height, rate = edit.width, edit.height, edit.rate
    fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease"
    pad = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"
    steps = [f"setpts=(PTS-STARTPTS)/{float(cut.speed)}", f"fps={rate}", fit, pad, "setsar=1"]
    steps += ["tpad=stop_mode=clone:stop_duration=1", f"trim=end_frame={frames}"]
    steps += _effect_filters(edit, frames).get(cut.effect, [])
    return ",".join([*steps, "format=yuv420p", "settb=AVTB"])


def _effect_filters(edit: Edit, frames: int) -> dict[str, list[str]]:
    """What stands for each of segue's effects on a piece of `frames`."""
    width, height, rate = edit.width, edit.height, edit.rate
    seconds = float(frames / rate)
    fade = min(FADE_SECONDS, seconds / 2)
    zoom = f":x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d=1:s={width}x{height}:fps={rate}"
    bar = max(2 * round((height - width / LETTERBOX) / 4), 0)
    flash = min(FLASH_SECONDS, seconds / 2)
    filters = {
        "colour_boost": "eq=saturation=1.5:contrast=1.08",
        "black_and_white": "hue=s=0",
        "zoom_in": f"zoompan=z='1+0.15*on/{frames}'{zoom}",
        "zoom_out": f"zoompan=z='1.15-0.15*on/{frames}'{zoom}",
        "shake": (
            f"zoompan=z=1.03:x='iw/2-iw/zoom/2+0.01*iw*sin(on/2)'"
            f":y='ih/2-ih/zoom/2+0.01*ih*sin(on/3)':d=1:s={width}x{height}:fps={rate}"
        ),
        "blur": f"gblur=sigma={max(1.0, height * BLUR):.2f}",
        "sharpen": "unsharp=5:5:0.9",
        "vignette": "vignette",
        "warm": "colorbalance=rm=.08:bm=-.08",
        "cool": "colorbalance=rm=-.08:bm=.08",
        "sepia": "colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131",
        "letterbox": (
            f"drawbox=h={bar}:t=fill:c=black,drawbox=y={height - bar}:h={bar}:t=fill:c=black"
        ),
        "flash": f"fade=t=in:st=0:d={flash:.4f}:color=white",
        "mirror": "hflip",
        "fade_in": f"fade=t=in:st=0:d={fade:.4f}",
        "fade_out": f"fade=t=out:st={seconds - fade:.4f}:d={fade:.4f}",
    }
    return {name: [chain] for name, chain in filters.items()}


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


def _own_sound(edit: Edit) -> list[str]:
    """Chain the pieces' own sound as their pictures are chained."""
    graph = []
    left = "s0"
    last = len(edit.cuts) - 1
    for number, cut in enumerate(edit.cuts):
        seconds = float(len(_shown(edit, number)) / edit.rate)
        graph.append(
            f"[{number}:a]asetpts=PTS-STARTPTS,atempo={float(max(cut.speed, SPEEDS[0]))},"
            f"aresample={SAMPLE_RATE},aformat=channel_layouts=stereo,apad,"
            f"atrim=end={seconds:.6f},volume={edit.source_gain}[s{number}]"
        )
    for number, cut in enumerate(edit.cuts[1:], start=1):
        length = float(cut.transition_frames / edit.rate)
        join = f"acrossfade=d={length:.6f}:c1=qsin:c2=qsin" if length else "concat=n=2:v=0:a=1"
        graph.append(f"[{left}][s{number}]{join}[t{number}]")
        left = f"t{number}"
    fade = min(SOUND_FADE_SECONDS, float(edit.seconds))
    name = left if last else "s0"
    graph.append(f"[{name}]afade=t=out:st={float(edit.seconds) - fade:.6f}:d={fade:.6f}[sound]")
    return graph
