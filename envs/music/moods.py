"""Moods: what a word such as *hopeful* asks of key, tempo, harmony and instruments.

The associations are the usual ones of music psychology (Gabrielsson and Lindstrom 2010, "The role
of structure in the musical expression of emotions"): fast and major for joy, slow and minor for
sorrow, lowered degrees and ostinati for threat. The progressions are common stock of tonal harmony.
"""

from __future__ import annotations

from dataclasses import dataclass

from segue.envs.base.errors import SegueError

_PIANO, _MUSIC_BOX, _VIBRAPHONE = 0, 10, 11
_NYLON_GUITAR, _STEEL_GUITAR, _ACOUSTIC_BASS, _FINGERED_BASS = 24, 25, 32, 33
_VIOLIN, _CELLO, _CONTRABASS, _TREMOLO, _PIZZICATO, _HARP = 40, 42, 43, 44, 45, 46
_SYNTH_STRINGS, _CHOIR, _TRUMPET, _HORN, _BRASS = 51, 52, 56, 60, 61
_OBOE, _CLARINET, _FLUTE, _SAW_LEAD, _WARM_PAD = 68, 71, 73, 81, 89


@dataclass(frozen=True)
class Mood:
    """One mood.

    Attributes
    ----------
    name : str
        The word for it.
    mode : str
        A key of `segue.envs.music.scales.MODES`.
    tempo : tuple of float, (low, high)
        Range of quarter notes per minute.
    tonics : tuple of int
        Pitch classes of the keys that suit the instruments.
    progressions : tuple of tuple of str
        Roman numerals for `segue.envs.music.chords.roman`, one chord a bar, 4 or 8 bars each.
        Each begins a phrase and ends where one may end: on the tonic (a full close) or on the
        dominant or the lowered seventh (an open one). Every mood has both kinds.
    density : float
        How many notes the melody has, from 0 (a note a bar) to 1 (a note every eighth).
    melody_program, chord_program, bass_program : int
        General MIDI programs, 0-127.
    pattern : str
        How the chords are played, a key of `segue.envs.music.accompaniment.PATTERNS`.
    bass : str
        What the bass does, a key of `segue.envs.music.accompaniment.BASS_LINES`; ``"none"`` for
        no bass.
    drums : str
        The drum pattern, a key of `segue.envs.music.drums.GROOVES`; ``"none"`` for no drums.
    volumes : tuple of int, (melody, chords, pad, bass, drums)
        Channel volumes (controller 7), 0-127. Set by measuring each part's loudness (ITU-R
        BS.1770) through TimGM6mb, so that the melody stands about 8 dB above the chords and
        bass, 7 to 10 dB above the drums and 14 dB above the pad; 0 where there is no such player.
    pad_program : int or None
        General MIDI program of a quiet pad that holds the chords under everything, if any.
    """

    name: str
    mode: str
    tempo: tuple[float, float]
    tonics: tuple[int, ...]
    progressions: tuple[tuple[str, ...], ...]
    density: float
    melody_program: int
    chord_program: int
    bass_program: int
    pattern: str
    bass: str
    drums: str
    volumes: tuple[int, int, int, int, int]
    pad_program: int | None = None


def _bars(*progressions: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(text.split()) for text in progressions)


_ALL = (
    Mood(
        name="hopeful",
        mode="major",
        tempo=(132.0, 132.0),
        tonics=(0, 2, 5, 7),
        progressions=_bars(
            "I V vi IV I V V7 I", "I iii IV V", "I IV vi V", "vi IV I V vi IV V I", "I vi ii7 V7"
        ),
        density=0.5,
        melody_program=_PIANO,
        chord_program=_STEEL_GUITAR,
        bass_program=_FINGERED_BASS,
        pattern="pulse",
        bass="driving",
        drums="pop",
        volumes=(120, 85, 63, 74, 81),
        pad_program=_SYNTH_STRINGS,
    ),
    Mood(
        name="happy",
        mode="major",
        tempo=(120.0, 144.0),
        tonics=(0, 2, 7, 9),
        progressions=_bars("I IV V I", "I vi IV V", "I IV I V7", "I V IV I ii7 V7 I I"),
        density=0.6,
        melody_program=_FLUTE,
        chord_program=_NYLON_GUITAR,
        bass_program=_ACOUSTIC_BASS,
        pattern="offbeat",
        bass="root_fifth",
        drums="light",
        volumes=(83, 91, 0, 91, 120),
    ),
    Mood(
        name="sad",
        mode="minor",
        tempo=(60.0, 76.0),
        tonics=(0, 2, 4, 9),
        progressions=_bars("i VI III VII", "i iv V i", "i VI iv V", "i v VI III iv i V7 i"),
        density=0.3,
        melody_program=_CELLO,
        chord_program=_PIANO,
        bass_program=_CONTRABASS,
        pattern="broken",
        bass="none",
        drums="none",
        volumes=(77, 120, 67, 0, 0),
        pad_program=_SYNTH_STRINGS,
    ),
    Mood(
        name="dark",
        mode="harmonic_minor",
        tempo=(66.0, 84.0),
        tonics=(0, 2, 5, 7),
        progressions=_bars("i bII V i", "i VI bII V7", "i iv iio V", "i i VI VI iv bII V7 i"),
        density=0.3,
        melody_program=_HORN,
        chord_program=_SYNTH_STRINGS,
        bass_program=_CONTRABASS,
        pattern="pads",
        bass="roots",
        drums="pulse",
        volumes=(88, 93, 0, 91, 120),
    ),
    Mood(
        name="calm",
        mode="major",
        tempo=(66.0, 80.0),
        tonics=(0, 3, 5, 10),
        progressions=_bars("I IV I V", "Imaj7 IVmaj7 ii7 V7", "I vi IV I", "I iii IV I ii V I I"),
        density=0.25,
        melody_program=_FLUTE,
        chord_program=_HARP,
        bass_program=_CONTRABASS,
        pattern="broken",
        bass="roots",
        drums="none",
        volumes=(120, 107, 0, 99, 0),
    ),
    Mood(
        name="tense",
        mode="harmonic_minor",
        tempo=(108.0, 126.0),
        tonics=(0, 2, 4, 9),
        progressions=_bars("i iio V7 i", "i bII i V", "i viio7 iv V7", "i VI iv viio7 i bII V i"),
        density=0.55,
        melody_program=_VIOLIN,
        chord_program=_TREMOLO,
        bass_program=_CONTRABASS,
        pattern="pads",
        bass="driving",
        drums="tension",
        volumes=(119, 116, 0, 118, 120),
    ),
    Mood(
        name="dreamy",
        mode="lydian",
        tempo=(72.0, 90.0),
        tonics=(0, 3, 5, 8),
        progressions=_bars("Imaj7 II Imaj7 V", "Imaj7 vi7 II I", "Iadd9 iii7 vi7 V", "I II vi7 I"),
        density=0.35,
        melody_program=_VIBRAPHONE,
        chord_program=_WARM_PAD,
        bass_program=_FINGERED_BASS,
        pattern="broken",
        bass="roots",
        drums="none",
        volumes=(120, 112, 0, 117, 0),
    ),
    Mood(
        name="heroic",
        mode="mixolydian",
        tempo=(104.0, 120.0),
        tonics=(0, 2, 5, 10),
        progressions=_bars("I bVII IV I", "I IV I bVII", "I bVI bVII I", "I vi IV V I IV bVII I"),
        density=0.45,
        melody_program=_TRUMPET,
        chord_program=_BRASS,
        bass_program=_CONTRABASS,
        pattern="pulse",
        bass="root_fifth",
        drums="march",
        volumes=(105, 120, 78, 92, 95),
        pad_program=_SYNTH_STRINGS,
    ),
    Mood(
        name="playful",
        mode="major",
        tempo=(116.0, 138.0),
        tonics=(0, 5, 7, 10),
        progressions=_bars("I I V7 I", "I vi ii V7", "I V7/ii ii7 V7", "I I6 ii7 V7 I V7/V V7 I"),
        density=0.65,
        melody_program=_CLARINET,
        chord_program=_PIZZICATO,
        bass_program=_ACOUSTIC_BASS,
        pattern="offbeat",
        bass="root_fifth",
        drums="light",
        volumes=(86, 85, 0, 91, 120),
    ),
    Mood(
        name="melancholic",
        mode="dorian",
        tempo=(76.0, 92.0),
        tonics=(2, 4, 7, 9),
        progressions=_bars("i IV i v", "i bVII IV i", "i7 IV bVII V", "i III IV bVII i IV V i"),
        density=0.35,
        melody_program=_OBOE,
        chord_program=_NYLON_GUITAR,
        bass_program=_ACOUSTIC_BASS,
        pattern="broken",
        bass="roots",
        drums="none",
        volumes=(90, 103, 73, 120, 0),
        pad_program=_SYNTH_STRINGS,
    ),
    Mood(
        name="romantic",
        mode="major",
        tempo=(72.0, 88.0),
        tonics=(1, 3, 5, 8),
        progressions=_bars(
            "I vi ii7 V7", "Imaj7 V7/ii ii7 V7", "I I6 iv I", "I iii7 vi IV ii7 iv6 V7 I"
        ),
        density=0.4,
        melody_program=_VIOLIN,
        chord_program=_PIANO,
        bass_program=_CONTRABASS,
        pattern="broken",
        bass="roots",
        drums="none",
        volumes=(76, 120, 60, 67, 0),
        pad_program=_SYNTH_STRINGS,
    ),
    Mood(
        name="mysterious",
        mode="phrygian",
        tempo=(76.0, 92.0),
        tonics=(2, 4, 9, 11),
        progressions=_bars("i bII i vii", "i bII vii i", "i VI bII V", "i i bII bII iv bII vii i"),
        density=0.35,
        melody_program=_MUSIC_BOX,
        chord_program=_CHOIR,
        bass_program=_CONTRABASS,
        pattern="pads",
        bass="roots",
        drums="none",
        volumes=(120, 77, 0, 75, 0),
    ),
    Mood(
        name="energetic",
        mode="minor",
        tempo=(136.0, 152.0),
        tonics=(0, 2, 4, 9),
        progressions=_bars("i VI III VII", "i VII VI VII", "i iv VII i", "i VI VII i iv VI V i"),
        density=0.7,
        melody_program=_SAW_LEAD,
        chord_program=_PIANO,
        bass_program=_FINGERED_BASS,
        pattern="pulse",
        bass="driving",
        drums="pop",
        volumes=(109, 120, 90, 97, 106),
        pad_program=_WARM_PAD,
    ),
)

MOODS: dict[str, Mood] = {entry.name: entry for entry in _ALL}
"""All moods by name."""


def mood(name: str) -> Mood:
    """The mood of a name.

    Parameters
    ----------
    name : str
        A key of `MOODS`.

    Returns
    -------
    Mood
        The mood.

    Raises
    ------
    SegueError
        If there is no such mood; the message lists those there are.
    """
    if name not in MOODS:
        raise SegueError(f"Unknown mood {name!r}; choose one of {', '.join(MOODS)}.")
    return MOODS[name]
