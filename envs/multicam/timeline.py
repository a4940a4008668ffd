"""From a programme to an edit that can be rendered and opened in an editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.multicam.types import Scene, Source


def shots_of(programme: Sequence[int] | npt.NDArray[np.int8]) -> list[tuple[int, int, int]]:
    """Shots of a programme: camera, first step, and the one after the last."""
    cameras = [int(camera) for camera in programme]
    if not cameras:
        return []
    changes = [k for k in range(1, len(cameras)) if cameras[k] != cameras[k - 1]]
    borders = [0, *changes, len(cameras)]
    return [(cameras[a], a, b) for a, b in pairwise(borders)]


def to_edit(
    scene: Scene,
    programme: Sequence[int] | npt.NDArray[np.int8],
    title: str = "",
    reward_terms: Sequence[Mapping[str, float]] = (),
    runners_up: Sequence[str] = (),
) -> Edit:
    """Turn a programme into an edit of the footage behind its scene.

    Files are cut in sync: every shot begins where its file shows that moment. Virtual cameras are
    cuts of the one take under an effect that reframes it (`segue.envs.multicam.reframing`). The
    sound is that of the first file that has any, from beginning to end, and is not cut.

    Parameters
    ----------
    scene : Scene
        Made of footage.
    programme : sequence of int
        Cameras shown, one a step.
    title : str
        Name of the film; the scene's where empty.
    reward_terms : sequence of mapping
        Of each step, or none; those of a shot are added up.
    runners_up : sequence of str
        For each step the best other camera, or none; that of a shot's first step is kept.

    Raises
    ------
    SegueError
        If the scene is not made of footage or the programme is empty.
    """
    sources = [camera.source for camera in scene.cameras if camera.source is not None]
    shots = shots_of(programme)
    if len(sources) < len(scene.cameras) or not shots:
        raise SegueError(
            f"{scene.title!r} cannot be made an edit; give a scene from footage and at least one "
            "step of a programme."
        )
    rate = sources[0].rate
    sound = next((source for source in sources if source.has_sound), None)
    return Edit(
        title=title or scene.title,
        rate=rate,
        width=sources[0].width - sources[0].width % 2,
        height=sources[0].height - sources[0].height % 2,
        cuts=_cuts(scene, sources, shots, reward_terms, runners_up),
        music=_path(sound),
        music_start=sound.start if sound else 0.0,
    )


def _cuts(
    scene: Scene,
    sources: Sequence[Source],
    shots: Sequence[tuple[int, int, int]],
    reward_terms: Sequence[Mapping[str, float]],
    runners_up: Sequence[str],
) -> tuple[Cut, ...]:
    """Cuts of the shots of `shots_of`; `sources` are those of the cameras."""
    effects, rate = _effects(scene), sources[0].rate
    cuts = []
    for number, (camera, begin, end) in enumerate(shots):
        source, name = sources[camera], scene.cameras[camera].name
        cuts.append(
            Cut(
                source=source.path,
                source_rate=source.rate,
                source_frames=source.frames,
                in_point=_in_point(source, begin * scene.seconds),
                frames=_frame(end, scene, rate) - _frame(begin, scene, rate),
                speed=Fraction(1),
                effect=effects[camera],
                transition="cut",
                transition_frames=0,
                shot=f"{name} {number + 1:03d}",
                reward_terms=_added(reward_terms[begin:end]),
                runner_up=runners_up[begin] if runners_up else "",
                reel=source.path.stem,
                take=name,
            )
        )
    return tuple(cuts)


def _effects(scene: Scene) -> list[str]:
    """Effect that shows the framing of each camera, registered where it is any."""
    # Imported late: it registers effects.
    from segue.envs.multicam.reframing import effect_of, register_reframings

    effects = [effect_of(camera.framing) for camera in scene.cameras]
    if any(effect != "none" for effect in effects):
        register_reframings()
    return effects


def _path(source: Source | None) -> Path | None:
    return source.path if source else None


def _frame(step: int, scene: Scene, rate: Fraction) -> int:
    """Frame of the film at which a step begins."""
    return round(step * scene.seconds * rate)


def _in_point(source: Source, seconds: Fraction) -> int:
    """Frame of the source that shows the instant `seconds` after the scene's start."""
    frame = round((Fraction(source.start).limit_denominator(100_000) + seconds) * source.rate)
    return min(frame, source.frames - 1)


def _added(terms: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(step[name] for step in terms) for name in (terms[0] if terms else ())}
