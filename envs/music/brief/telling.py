"""Telling what was understood of a brief: lines for people, plain values for files."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from segue.envs.music.brief.instruments import BASSES, INSTRUMENTS
from segue.envs.music.brief.types import Understanding, Wish
from segue.envs.music.scales import name_at, spelling

NAMES = {"lead": "melody", "accompaniment": "chords", "tonic": "tonic"}
"""How people are told of fields whose names say less."""


def described(understanding: Understanding) -> list[str]:
    """Lines for people: every field, its value, and the words that it comes from."""
    wish, lines = understanding.wish, []
    for one in fields(Wish):
        value = shown(one.name, getattr(wish, one.name), wish)
        name = NAMES.get(one.name, one.name)
        lines.append(f"  {name}: {value} - {understanding.reasons[one.name]}")
    return lines


def shown(name: str, value: Any, wish: Wish) -> str:
    """A value of a wish as people say it."""
    if name == "tonic":
        return "drawn" if value is None else name_at(spelling(value, wish.mode)[value])
    if name == "tempo":
        return f"{value:g} quarter notes a minute"
    if name in ("lead", "accompaniment"):
        return INSTRUMENTS[value].name if value in INSTRUMENTS else f"program {value}"
    if name == "bass":
        return "none" if value is None else BASSES[value].name if value in BASSES else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def record(understanding: Understanding) -> dict[str, Any]:
    """Plain values of an understanding, for JSON."""
    reading, wish = understanding.reading, asdict(understanding.wish)
    return {
        "text": reading.text,
        "understood": {
            name: {"value": value, "by": reason.by, "words": reason.words}
            for name, value in wish.items()
            for reason in [understanding.reasons[name]]
        },
        "unknown": list(reading.unknown),
        "content_words": reading.content,
        "notes": list(understanding.notes),
    }
