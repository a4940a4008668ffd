"""A person's edit as arrays: which set-up each shot shows, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segue.envs.film.human_edits import HumanEdit
from segue.envs.film.slates import place_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reel:
    """The shots of one edit that show footage, and the bin that they were cut from.

    The bin holds the set-ups that the edit uses, as an editor has them before the first cut. It
    is sorted by slate, so that its order tells nothing of the edit's.

    Attributes
    ----------
    bin : tuple of str
        The set-ups: in slate order, those whose names hold no number behind, by name.
    ordered : ndarray (set-ups,), bool
        Whether the name tells the set-up's place in that order.
    scenes : ndarray (set-ups,), int
        Number of the scene in slate order; -1 where no slate tells it.
    slates : ndarray (set-ups,), int
        Equal for the cameras of one slate.
    setups : ndarray (shots,), int
        What each shot shows, as a number of the bin.
    seconds : ndarray (shots,)
        Length of each shot, > 0.
    starts : ndarray (shots,)
        Second of the edit at which it begins.
    """

    bin: tuple[str, ...]
    ordered: Flags
    scenes: Integers
    slates: Integers
    setups: Integers
    seconds: Floats
    starts: Floats

    def until(self, shots: int) -> Reel:
        """The reel as it stood after so many shots; the bin stays whole."""
        return replace(
            self,
            setups=self.setups[:shots],
            seconds=self.seconds[:shots],
            starts=self.starts[:shots],
        )


def reel_of(edit: HumanEdit) -> Reel:
    """Take from an edit what its cutting can be foretold by.

    Parameters
    ----------
    edit : HumanEdit
        The edit.

    Returns
    -------
    Reel
        Without a shot where the edit shows no footage.
    """
    shots = [shot for shot in edit.shots if shot.kind == "picture"]
    names = [shot.setup for shot in shots]
    places = {name: place_of(name) for name in names}
    slated = {shot.setup for shot in shots if shot.scene}
    order = sorted(places, key=lambda name: (not places[name].order, places[name].order, name))
    told = {name: places[name].scene for name in order if name in slated and places[name].scene}
    scenes = {scene: number for number, scene in enumerate(dict.fromkeys(told.values()))}
    numbers = {name: number for number, name in enumerate(order)}
    slates = {place.slate: number for number, place in enumerate(places.values())}
    return Reel(
        tuple(order),
        np.array([bool(places[name].order) for name in order], np.bool_),
        np.array([scenes[told[name]] if name in told else -1 for name in order], np.int64),
        np.array([slates[places[name].slate] for name in order], np.int64),
        np.array([numbers[name] for name in names], np.int64),
        np.array([float(shot.frames / edit.rate) for shot in shots], np.float64),
        np.array([float(shot.start / edit.rate) for shot in shots], np.float64),
    )
