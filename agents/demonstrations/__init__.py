"""Demonstrations: episodes to learn from, and where they come from."""

from __future__ import annotations

from segue.agents.demonstrations.episode import Decisions, Episode, decisions_of
from segue.agents.demonstrations.recording import (
    Player,
    play_greedy,
    play_optimum,
    play_random,
    record,
)

__all__ = [
    "Decisions",
    "Episode",
    "Player",
    "decisions_of",
    "play_greedy",
    "play_optimum",
    "play_random",
    "record",
]
