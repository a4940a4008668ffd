"""A transition of one's own: the entering picture comes through opening blinds.

A transition is a function of two pictures and the progress from 0 to 1.

Rendering happens in other processes, which import this module. A script that imports it before it
makes `segue/Montage-v0` gives the editor one more transition to choose.
"""

from __future__ import annotations

import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from segue.envs.film.edit import Cut, Edit
from segue.envs.film.gate import probe
from segue.envs.film.planes import Plane, Planes
from segue.envs.film.renderer import render
from segue.envs.film.synthetic import write_synthetic_film
from segue.envs.film.transitions import TransitionSpec, register_transition

BLINDS = 8


def open_blinds(old: Plane, new: Plane, progress: float) -> Plane:
    """Show, in each of the horizontal strips, the upper part of the entering picture."""
    place = np.arange(old.shape[0]) * BLINDS / old.shape[0] % 1
    return np.where((place < progress)[:, None], new, old)


def blinds(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """The same on Y, U and V; places in parts of the picture, so that the planes agree."""
    y, u, v = (open_blinds(*pair, progress) for pair in zip(leaving, entering, strict=True))
    return y, u, v


def film_of(source: Path) -> Edit:
    """Join two seconds of the film by the transition."""
    facts = probe(source)
    assert facts.rate is not None
    assert facts.seconds is not None
    second = round(facts.rate)
    cuts = tuple(
        Cut(
            source=source,
            source_rate=facts.rate,
            source_frames=int(facts.seconds * facts.rate),
            in_point=in_point,
            frames=second,
            speed=Fraction(1),
            effect="none",
            transition=transition,
            transition_frames=frames,
            shot=f"from {in_point}",
        )
        for in_point, transition, frames in ((0, "cut", 0), (2 * second, "blinds", 12))
    )
    return Edit("own transition", facts.rate, facts.width, facts.height, cuts)


def main(out: Path = Path("own_transition.mp4")) -> None:
    """Render generated footage with the transition."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mp4"
        write_synthetic_film(source, shots=2, seconds_per_shot=(2.0, 2.0), sound=False)
        render(film_of(source), out)
    print(f"wrote {out}")


if __name__ == "__main__":
    # As a script this module is called __main__, which no other process can import.
    import own_transition

    own_transition.main(*map(Path, sys.argv[1:2]))
else:
    # It shows both pictures at once, so it needs frames beyond their in- and out-points.
    register_transition(TransitionSpec("blinds", True, blinds, "strips that open like blinds"))
