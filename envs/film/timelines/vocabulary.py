"""The words in which segue's edits are told in timelines, and in which others' are understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import opentimelineio as otio

from segue.envs.film.edit import Cut
from segue.envs.film.timelines.layout import TRANSITION_NAMES
from segue.envs.film.transitions import TRANSITIONS

SEGUE = "segue"
"""Key of segue's own metadata."""

MUSIC, SOUND = "music", "dialogue"
"""Roles of sound: what is laid under the film, and what the pieces themselves sound like."""

GAIN = "gain"
"""Name of the effect that holds a sound's gain; ``metadata["segue"]["gain"]`` is its value."""

TITLE = "title"
"""Kind of the generator that draws words; its parameters are ``text`` and ``place``."""

_SYNONYMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("black", ("dip_to_black", "fade_through_black")),
    ("fadeinfadeout", ("dip_to_black", "fade_through_black")),
    ("white", ("dip_to_white",)),
    ("diptocolor", ("dip_to_black", "fade_through_black")),
    ("fadetocolor", ("dip_to_black", "fade_through_black")),
    ("iris", ("iris",)),
    ("slide", ("slide", "push")),
    ("push", ("push", "slide")),
    ("whip", ("whip",)),
    ("zoom", ("zoom",)),
    ("wipe", ("wipe",)),
    ("dissolve", ("dissolve",)),
    ("crossfade", ("dissolve",)),
)
"""Part of a name, and what it means, first choice first; the first that fits is taken."""

_TERM = re.compile(r"([^\s,;:]+) ([+-][0-9.e+-]+)")
_RUNNER_UP = "; runner-up: "
_LEAD = re.compile(r"; sound leads by (-?\d+) frames")


@dataclass(frozen=True)
class Reason:
    """Why a cut is as it is.

    Attributes
    ----------
    reward_terms : mapping
        What each reward term gave for it, weighted.
    runner_up : str
        The best other choice.
    sound_lead : int
        See `segue.envs.film.edit.Cut.sound_lead`.
    """

    reward_terms: Mapping[str, float] = field(default_factory=dict)
    runner_up: str = ""
    sound_lead: int = 0


def tell_reason(cut: Cut) -> str:
    """Comment of the marker that stands on a cut, for people and for `understand_reason`."""
    terms = ", ".join(f"{_word(name)} {value:+.6g}" for name, value in cut.reward_terms.items())
    lead = f"; sound leads by {cut.sound_lead} frames" if cut.sound_lead else ""
    runner_up = one_line(cut.runner_up)
    return f"{terms}{lead}{_RUNNER_UP}{runner_up}" if runner_up else f"{terms}{lead}"


def understand_reason(comment: str) -> Reason:
    """Read what `tell_reason` wrote; a person's own comment says nothing."""
    said, _, runner_up = comment.partition(_RUNNER_UP)
    lead = _LEAD.search(said)
    terms = {}
    for part in (said[: lead.start()] if lead else said).split(", "):
        found = _TERM.fullmatch(part)
        if found:
            terms[found[1]] = float(found[2])
    return Reason(terms, runner_up, int(lead[1]) if lead else 0)


def marker_name(transition: str) -> str:
    """Name of the marker that stands on a cut."""
    return f"cut: {transition}"


def is_reason(marker: otio.schema.Marker) -> bool:
    """Whether a marker stands on a cut and says why."""
    return bool(marker.name.startswith("cut: "))


def transition_name(transition: otio.schema.Transition) -> str:
    """Name in `segue.envs.film.transitions.TRANSITIONS` of a transition of any program.

    Its own name is looked at before its type; what is not known is taken for a dissolve.
    """
    for name in (transition.name, TRANSITION_NAMES.get(transition.transition_type, "")):
        if name in TRANSITIONS and TRANSITIONS[name].blend is not None:
            return str(name)
        squeezed = re.sub(r"[^a-z]", "", name.lower())
        for part, meanings in _SYNONYMS:
            known = [meaning for meaning in meanings if meaning in TRANSITIONS]
            if part in squeezed and known:
                return known[0]
    return "dissolve"


def one_line(text: str) -> str:
    """Keep text on its line."""
    return " ".join(text.split())


def _word(name: str) -> str:
    """Make a term's name one word."""
    return re.sub(r"[\s,;:]+", "_", name)
