"""Genres: what a word such as *waltz* or *techno* asks of tempo, metre, harmony and players.

Tempi, metres and players are those that dictionaries of music and dance manuals give; jigs and
reels go at the speed of dancing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Players:
    """Who plays a genre.

    Attributes
    ----------
    lead, chords : int
        Keys of `segue.envs.music.brief.instruments.INSTRUMENTS`.
    bass : int or None
        A key of `segue.envs.music.brief.instruments.BASSES`.
    pattern, line, groove : str
        Keys of `segue.envs.music.accompaniment.PATTERNS`, of its `BASS_LINES` and of
        `segue.envs.music.drums.GROOVES`.
    drummed : str
        Pattern of drums where they are asked for and `groove` is ``"none"``.
    pad : int or None
        A quiet pad under everything.
    """

    lead: int
    chords: int
    bass: int | None
    pattern: str
    line: str
    groove: str = "none"
    drummed: str = "light"
    pad: int | None = None


@dataclass(frozen=True)
class Genre:
    """One genre.

    Attributes
    ----------
    tempo : tuple of float, (low, high)
        Quarter notes a minute.
    mood, minor_mood : str
        Keys of `segue.envs.music.moods.MOODS`: where none is asked for, and where a minor mode is.
    players : Players or None
        None leaves them to the mood.
    metre : str
        A key of `segue.envs.music.metre.METRES`.
    bars : int
        Usual length.
    density, register : str or None
        None leaves them to the mood.
    swing : float
        Ratio of the long to the short eighth.
    progressions : mapping of str to tuple of str
        For ``"major"`` and ``"minor"`` modes, Roman numerals, a bar each; none leaves the harmony
        to the mood.
    """

    tempo: tuple[float, float]
    mood: str
    minor_mood: str
    players: Players | None
    metre: str = "4/4"
    bars: int = 16
    density: str | None = None
    register: str | None = None
    swing: float = 1.0
    progressions: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )


def _harmony(major: tuple[str, ...], minor: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({"major": major, "minor": minor})


_JAZZ = _harmony(
    ("Imaj7 vi7 ii7 V7", "ii7 V7 Imaj7 vi7 ii7 V7 Imaj7 Imaj7", "Imaj7 V7/ii ii7 V7"),
    ("i7 iiø7 V7 i7", "iv7 bVII7 bIIImaj7 bVImaj7 iiø7 V7 i6 i6"),
)
_BLUES = _harmony(
    ("I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7",), ("i7 iv7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 i7",)
)
_POP = _harmony(("I V vi IV", "vi IV I V", "I vi IV V"), ("i bVI bIII bVII", "i bVII bVI bVII"))
_DANCE = _harmony(("vi IV I V", "I V vi IV"), ("i bVI bIII bVII", "i bVI iv bVII"))
_ROCK = _harmony(("I bVII IV I", "I IV V IV"), ("i bVII bVI bVII", "i bIII bVII iv"))

GENRES: Mapping[str, Genre] = MappingProxyType(
    {
        "song": Genre((90.0, 120.0), "hopeful", "melancholic", None),
        "folk": Genre(
            (88.0, 126.0), "hopeful", "melancholic", Players(25, 24, 32, "broken", "roots")
        ),
        "hymn": Genre(
            (72.0, 96.0),
            "calm",
            "melancholic",
            Players(19, 19, 43, "pads", "roots"),
            density="sparse",
        ),
        "electronic dance": Genre(
            (120.0, 140.0),
            "energetic",
            "energetic",
            Players(81, 90, 38, "offbeat", "driving", "pop", pad=89),
            density="dense",
            progressions=_DANCE,
        ),
        "ambient": Genre(
            (56.0, 80.0),
            "dreamy",
            "mysterious",
            Players(88, 89, 38, "pads", "roots"),
            density="sparse",
        ),
        "jazz": Genre(
            (100.0, 180.0),
            "playful",
            "melancholic",
            Players(65, 0, 32, "comping", "walking", "swing", "swing"),
            swing=2.0,
            progressions=_JAZZ,
        ),
        "blues": Genre(
            (72.0, 116.0),
            "melancholic",
            "sad",
            Players(22, 26, 33, "comping", "walking", "swing", "swing"),
            bars=12,
            swing=2.0,
            progressions=_BLUES,
        ),
        "waltz": Genre(
            (126.0, 174.0),
            "romantic",
            "melancholic",
            Players(40, 0, 43, "offbeat", "root_fifth"),
            metre="3/4",
        ),
        "march": Genre(
            (104.0, 124.0),
            "heroic",
            "dark",
            Players(56, 61, 58, "offbeat", "root_fifth", "march", "march"),
        ),
        "lullaby": Genre(
            (60.0, 80.0),
            "calm",
            "sad",
            Players(10, 46, None, "broken", "roots"),
            metre="3/4",
            density="sparse",
        ),
        "film score": Genre(
            (72.0, 112.0),
            "heroic",
            "mysterious",
            Players(60, 48, 43, "pads", "roots", drummed="pulse", pad=52),
        ),
        "rock": Genre(
            (112.0, 152.0),
            "energetic",
            "energetic",
            Players(30, 27, 34, "pulse", "driving", "pop", "pop"),
            progressions=_ROCK,
        ),
        "pop": Genre(
            (96.0, 126.0),
            "hopeful",
            "melancholic",
            Players(4, 25, 33, "pulse", "driving", "pop", "pop", pad=51),
            progressions=_POP,
        ),
        "ballad": Genre(
            (60.0, 84.0),
            "romantic",
            "sad",
            Players(66, 0, 33, "broken", "roots", drummed="light", pad=51),
        ),
        "jig": Genre(
            (160.0, 190.0),
            "playful",
            "energetic",
            Players(110, 25, 32, "offbeat", "root_fifth"),
            metre="6/8",
            density="dense",
        ),
        "reel": Genre(
            (168.0, 216.0),
            "happy",
            "energetic",
            Players(110, 25, 32, "pulse", "root_fifth"),
            density="dense",
        ),
        "polka": Genre(
            (108.0, 132.0),
            "happy",
            "playful",
            Players(21, 21, 58, "offbeat", "root_fifth", "light"),
            metre="2/4",
        ),
        "classical": Genre(
            (80.0, 132.0),
            "calm",
            "melancholic",
            Players(40, 0, 43, "broken", "roots", drummed="pulse"),
        ),
        "country": Genre(
            (96.0, 138.0),
            "happy",
            "melancholic",
            Players(105, 25, 32, "offbeat", "root_fifth", "light"),
        ),
        "game": Genre(
            (120.0, 160.0),
            "playful",
            "tense",
            Players(80, 80, 38, "broken", "driving", drummed="pop"),
        ),
        "lo-fi": Genre(
            (68.0, 90.0),
            "dreamy",
            "melancholic",
            Players(4, 26, 33, "pads", "roots", "light"),
            swing=1.5,
            progressions=_JAZZ,
        ),
    }
)
"""All genres by name; ``"song"`` is of no genre in particular, its players those of the mood."""
