"""How well transitions and effects suit the place where they stand: two tables of preferences.

Each row gives the worth of one transition or effect as a constant and a weighted sum of *cues*,
each a product of factors in [0, 1]. The plain cut and the untouched picture are worth
much anywhere; every other has its few places, where it is worth a little more, and is worth far
less elsewhere, so that it stays the exception. What others have registered is worth `NEUTRAL`
anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PHRASE = 0.95
"""Least strength of a beat that opens a phrase."""
SCENE = 0.08
"""Width of a scene, in films: how far apart in a film two shots are still of one place."""
NEUTRAL = 0.8
"""Worth of a transition or an effect that the tables do not know."""

FACTORS = (
    "always",
    "opens a phrase",
    "strong beat",
    "calm",
    "loud",
    "music rises",
    "music falls",
    "another picture",
    "enters moving aside",
    "enters moving up or down",
    "leaves moving aside",
    "moves aside throughout",
    "movement goes on",
    "same scene",
    "later in the film",
    "eye in the middle",
    "moves",
    "rests",
    "still",
    "first",
    "last",
    "colourless",
    "pale",
    "colourful",
    "dark",
    "rather bright",
    "bright",
    "not sharp",
    "a little soft",
)
"""What a cue may be made of; `segue.rewards.craft_kernel` has their formulas."""

Cue = tuple[str, ...]
CUES, PARTS = 2, 3
"""Most cues of a preference, most factors of a cue."""


@dataclass(frozen=True)
class Preference:
    """Where a transition or an effect belongs.

    Attributes
    ----------
    base : float
        Worth where no cue speaks for it.
    cues : mapping of tuple of str to float
        What each product of `FACTORS` adds; with `base` at most 1.
    """

    base: float
    cues: Mapping[Cue, float] = field(default_factory=dict)


TRANSITION_TABLE: Mapping[str, Preference] = {
    "cut": Preference(0.85),
    "dissolve": Preference(0.2, {("opens a phrase",): 0.3, ("opens a phrase", "calm"): 0.45}),
    "fade_through_black": Preference(0.0, {("opens a phrase", "another picture"): 1.0}),
    "wipe": Preference(0.0, {("opens a phrase", "enters moving aside"): 1.0}),
    "dip_to_white": Preference(0.0, {("opens a phrase", "loud"): 0.95}),
    "wipe_up": Preference(0.0, {("opens a phrase", "enters moving up or down"): 1.0}),
    "clock_wipe": Preference(0.0, {("opens a phrase", "later in the film"): 0.95}),
    "iris": Preference(0.0, {("opens a phrase", "calm", "eye in the middle"): 1.0}),
    "slide": Preference(0.0, {("leaves moving aside",): 0.95}),
    "push": Preference(0.1, {("moves aside throughout",): 0.9}),
    "zoom": Preference(0.1, {("strong beat", "music rises"): 0.9}),
    "whip": Preference(0.0, {("moves", "loud"): 0.5, ("moves aside throughout",): 0.5}),
    "match_cut": Preference(0.1, {("movement goes on",): 0.9}),
    "j_cut": Preference(0.4, {("same scene",): 0.4, ("same scene", "music rises"): 0.2}),
    "l_cut": Preference(0.4, {("same scene",): 0.4, ("same scene", "music falls"): 0.2}),
}
"""Worth of each transition; the continuity editing of Bordwell & Thompson, *Film Art*. That a cut
is the rule and all else the exception: Cutting, Brunick & Delong (2011)."""

EFFECT_TABLE: Mapping[str, Preference] = {
    "none": Preference(0.9),
    "slow_motion": Preference(0.0, {("moves", "calm"): 1.0}),
    "colour_boost": Preference(0.0, {("pale",): 0.95}),
    "black_and_white": Preference(0.0, {("opens a phrase", "colourless"): 1.0}),
    "zoom_in": Preference(0.0, {("still", "calm"): 1.0}),
    "mirror": Preference(0.5),
    "fade_in": Preference(0.0, {("first",): 1.0}),
    "fade_out": Preference(0.0, {("last",): 1.0}),
    "speed_up": Preference(0.0, {("rests", "loud"): 1.0}),
    "freeze": Preference(0.0, {("opens a phrase", "moves", "music falls"): 0.95}),
    "zoom_out": Preference(0.0, {("opens a phrase", "still"): 1.0}),
    "shake": Preference(0.0, {("strong beat", "moves", "loud"): 1.0}),
    "blur": Preference(0.0, {("opens a phrase", "not sharp"): 1.0}),
    "sharpen": Preference(0.0, {("a little soft",): 0.95}),
    "vignette": Preference(0.2, {("opens a phrase", "dark"): 0.8}),
    "warm": Preference(0.2, {("opens a phrase", "bright"): 0.8}),
    "cool": Preference(0.1, {("opens a phrase", "colourful"): 0.9}),
    "sepia": Preference(0.0, {("opens a phrase", "rather bright", "calm"): 1.0}),
    "letterbox": Preference(0.2, {("opens a phrase", "calm"): 0.75}),
    "flash": Preference(0.0, {("opens a phrase", "loud"): 0.95}),
}
"""Worth of each effect, by convention; the mirror's own use is continuity."""
