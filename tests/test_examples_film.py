"""The examples of an effect and of a transition do what their texts say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "examples"

EFFECTS = "list(segue.envs.film.effects.EFFECTS)[-2:] == ['posterise', 'negative']"
TRANSITIONS = "list(segue.envs.film.transitions.TRANSITIONS)[-1] == 'blinds'"


def run(*command: str) -> str:
    """Run Python in the folder of the examples: what they register stays out of this process."""
    done = subprocess.run(
        [sys.executable, *command], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Warn" not in done.stderr
    return done.stdout


def pictures(path: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def test_the_effects_are_drawn(tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    assert run("own_effect.py", str(out)) == f"wrote {out}\n"
    shown = pictures(out)
    assert len(shown) == 72

    # The footage pans over one pattern a second; a poster has luma near five values only.
    steps = np.array([16, 71, 126, 181, 236])
    near = [np.abs(shown[at][..., None] - steps).min(axis=-1).mean() for at in (12, 36)]
    assert near[1] < 4 < near[0]


def test_the_transition_is_drawn(tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    assert run("own_transition.py", str(out)) == f"wrote {out}\n"
    shown = pictures(out)
    assert len(shown) == 48
    # In the middle of the transition the upper half of each blind shows the second shot.
    source_old, mixed, source_new = shown[17], shown[24], shown[30]
    height = mixed.shape[0] // 8
    rows = np.arange(mixed.shape[0]) % height
    old, new = (np.abs(mixed.astype(int) - one).mean(axis=1) for one in (source_old, source_new))
    assert new[rows < height // 2 - 1].mean() < old[rows < height // 2 - 1].mean()
    assert old[rows > height // 2 + 2].mean() < new[rows > height // 2 + 2].mean()


@pytest.mark.parametrize(
    ("module", "known"), [("own_effect", EFFECTS), ("own_transition", TRANSITIONS)]
)
def test_it_stands_behind_the_last(module: str, known: str) -> None:
    imports = f"import {module}, segue.envs.film.effects, segue.envs.film.transitions"
    run("-c", f"{imports}; assert {known}")
