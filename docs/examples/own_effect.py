"""An effect of one's own: every picture as a poster of few tones.

An effect is a moviepy effect. The quick way to one is to say what it draws on the planes of a YUV
picture: the renderer then needs no RGB, and `plane_effect` makes the moviepy effect from the same
function. One that exists in moviepy already is registered as it is, see the end.

Rendering happens in other processes, which import this module. A script that imports it before it
makes `segue/Montage-v0` gives the editor two more effects to choose; as a plug-in (see
docs/extending.md) it gives them to every verb:

    segue edit holiday.mp4 --length 30
"""

from __future__ import annotations

import sys
import tempfile
from fractions import Fraction
from pathlib import Path

from moviepy import Effect, vfx

from segue.envs.film.edit import Cut, Edit
from segue.envs.film.effects import EffectSpec, plane_effect, register_effect
from segue.envs.film.gate import probe
from segue.envs.film.planes import Planes, look_up
from segue.envs.film.renderer import render
from segue.envs.film.synthetic import write_synthetic_film

TONES = 5

STEP = 220 / (TONES - 1)
POSTER = bytes(round(16 + STEP * round(max(value - 16, 0) / STEP)) for value in range(236))
POSTER += POSTER[-1:] * 20
"""For each value of luma the nearest of `TONES` between black (16) and white (about 235)."""


def posterise(picture: Planes, seconds: float, length: float) -> Planes:
    """Luma in few tones; U and V, the colours, as they are."""
    y, u, v = picture
    return look_up(y, POSTER), u, v


def negative(seconds: float) -> Effect:
    """Take moviepy's own effect for a piece of so many seconds."""
    return vfx.InvertColors()


def film_of(source: Path, effects: tuple[str, ...]) -> Edit:
    """Lay a second of the film for each effect, one after the other."""
    facts = probe(source)
    assert facts.rate is not None
    assert facts.seconds is not None
    frames = round(facts.rate)
    cuts = tuple(
        Cut(
            source=source,
            source_rate=facts.rate,
            source_frames=int(facts.seconds * facts.rate),
            in_point=frames * number,
            frames=frames,
            speed=Fraction(1),
            effect=effect,
            transition="cut",
            transition_frames=0,
            shot=effect,
        )
        for number, effect in enumerate(effects)
    )
    return Edit("own effects", facts.rate, facts.width, facts.height, cuts)


def main(out: Path = Path("own_effect.mp4")) -> None:
    """Render generated footage with both effects."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mp4"
        write_synthetic_film(source, shots=3, seconds_per_shot=(1.0, 1.0), sound=False)
        render(film_of(source, ("none", "posterise", "negative")), out)
    print(f"wrote {out}")


if __name__ == "__main__":
    # As a script this module is called __main__, which no other process can import.
    import own_effect

    own_effect.main(*map(Path, sys.argv[1:2]))
else:
    register_effect(plane_effect("posterise", posterise, "few tones, as a poster"))
    register_effect(EffectSpec("negative", Fraction(1), negative, "light and dark exchanged"))
