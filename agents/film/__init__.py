"""What can be learnt from people's edits: the next camera set-up, and how long a shot stays.

These modules know film; the agents of the other packages know only Gymnasium.
"""

from __future__ import annotations

from segue.agents.film.next_shot import Choices, NextSetup, choices_of, fit_next_setup
from segue.agents.film.reel import Reel, reel_of
from segue.agents.film.shot_length import ShotLength, fit_shot_length

__all__ = [
    "Choices",
    "NextSetup",
    "Reel",
    "ShotLength",
    "choices_of",
    "fit_next_setup",
    "fit_shot_length",
    "reel_of",
]
