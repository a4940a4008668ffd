"""Demonstrations: episodes to learn from, and where they come from."""

from __future__ import annotations

from segue.agents.demonstrations.episode import Decisions, Episode, decisions_of
from segue.agents.demonstrations.minari_header import About, Header, read_header
from segue.agents.demonstrations.minari_store import read_episodes, write_episodes
from segue.agents.demonstrations.recording import (
    Player,
    play_greedy,
    play_optimum,
    play_random,
    record,
)

__all__ = [
    "About",
    "Decisions",
    "Episode",
    "Header",
    "Player",
    "decisions_of",
    "play_greedy",
    "play_optimum",
    "play_random",
    "read_episodes",
    "read_header",
    "record",
    "write_episodes",
]
