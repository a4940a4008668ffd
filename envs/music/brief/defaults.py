"""From what a brief says to a whole `Wish`: what it leaves open follows from genre and mood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.envs.base.errors import SegueError
from segue.envs.music.brief.genres import GENRES, Genre
from segue.envs.music.brief.types import DENSITIES, Reading, Reason, Said, Understanding, Wish
from segue.envs.music.metre import parse_metre
from segue.envs.music.moods import MOODS, mood
from segue.envs.music.scales import MODES

FASTER = 1.3
"""How many times as fast *fast* is."""

SLOWEST, FASTEST = 20.0, 400.0
"""Range of tempo, quarter notes a minute."""

SECTION_BARS, MOST_BARS = 8, 64

_NEUTRAL_TEMPO, _TEMPO_SPREAD = 105.0, 90.0
"""Middle of the tempi of moods, and how far they lie apart."""

_REGISTERS = {
    **dict.fromkeys(("sad", "dark", "mysterious", "tense"), "low"),
    **dict.fromkeys(("happy", "playful", "dreamy"), "high"),
}
_SPARSE, _DENSE = 0.32, 0.58
"""Densities of moods below which and above which they count as sparse and dense."""


def understand(reading: Reading, options: Mapping[str, Said] | None = None) -> Understanding:
    """Settle every field of a wish.

    Parameters
    ----------
    reading : Reading
        What a text says.
    options : mapping of str to Said or None
        Fields of `Wish` that are given beside the text, and by which option, such as ``--mood``;
        they win over it.

    Raises
    ------
    SegueError
        If a number is out of its range, or the metre is none that tunes are composed in.
    """
    settled = _Settled(reading, options or {})
    for settle in (
        *(settled.genre, settled.mood, settled.key, settled.metre, settled.tempo),
        *(settled.length, settled.character, settled.players),
    ):
        settle()
    wish = Wish(**settled.values)
    return Understanding(reading, wish, settled.reasons, tuple(settled.notes))


class _Settled:
    """The fields settled so far, and why."""

    def __init__(self, reading: Reading, options: Mapping[str, Said]) -> None:
        self.reading, self.said, self.options = reading, reading.said, options
        self.values: dict[str, Any] = {}
        self.reasons: dict[str, Reason] = {}
        self.notes = list(reading.notes)
        self.kind: Genre = GENRES["song"]

    def put(self, name: str, value: Any, reason: Reason) -> None:
        self.values[name], self.reasons[name] = value, reason

    def given(self, name: str) -> bool:
        """Take a field from the options, or from the words, if either gives it."""
        said = self.said.get(name)
        if name in self.options:
            option = self.options[name]
            self.put(name, option.value, Reason("option", option.words))
            if said and said.value != option.value:
                self.told(name, said)
            return True
        if said:
            self.put(name, said.value, Reason("words", said.words))
        return said is not None

    def told(self, name: str, said: Said) -> None:
        """Say that an option wins over a word."""
        option = self.options[name].words
        self.notes.append(f'{name}: the option {option} stands in place of "{said.words}".')

    def changes_nothing(self, name: str, said: Said) -> None:
        """Say that a word gives way to one that says more."""
        by = self.reasons[name]
        self.notes.append(f'{name}: {by} says it; "{said.words}" changes nothing.')

    def avoids(self, name: str, value: Any) -> bool:
        """Whether a field is not to be so."""
        return any(one.value == value for one in self.reading.avoided.get(name, ()))

    def genre(self) -> None:
        kin = self.said.get("kin")
        if self.given("genre"):
            if kin and kin.value != self.values["genre"]:
                self.changes_nothing("genre", kin)
        elif kin and not self.avoids("genre", kin.value):
            self.put("genre", kin.value, Reason("words", kin.words))
        else:
            self.put("genre", "song", Reason("default"))
        self.kind = GENRES[self.values["genre"]]

    def mood(self) -> None:
        if self.given("mood"):
            mood(self.values["mood"])
            return
        mode = self.options.get("mode") or self.said.get("mode")
        minor = mode is not None and 3 in MODES[mode.value]
        chosen = self.kind.minor_mood if minor else self.kind.mood
        if self.avoids("mood", chosen):
            chosen = next(name for name in MOODS if not self.avoids("mood", name))
        self.put("mood", chosen, Reason("genre", self.values["genre"]))

    def key(self) -> None:
        if not self.given("tonic"):
            self.put("tonic", None, Reason("mood", self.values["mood"]))
        if not self.given("mode"):
            self.put("mode", MOODS[self.values["mood"]].mode, Reason("mood", self.values["mood"]))

    def metre(self) -> None:
        if not self.given("metre"):
            usual = self.kind.metre
            if self.avoids("metre", usual):
                usual = "3/4" if usual == "4/4" else "4/4"
            self.put("metre", usual, Reason("genre", self.values["genre"]))
        parse_metre(self.values["metre"])

    def tempo(self) -> None:
        if "tempo" not in self.options and "beats" in self.said:
            self.beats(self.said["beats"])
        elif not self.given("tempo"):
            usual, reason = self.usual_tempo()
            speed = self.said.get("speed")
            if speed:
                usual *= FASTER ** (speed.value * speed.degree)
                reason = Reason("words", speed.words)
            self.put("tempo", float(round(min(max(usual, 40.0), 260.0))), reason)
            return
        for name in ("speed", "beats") if "tempo" in self.options else ("speed",):
            if name in self.said:
                self.changes_nothing("tempo", self.said[name])
        if not SLOWEST <= self.values["tempo"] <= FASTEST:
            raise SegueError(
                f"The brief asks for {self.values['tempo']:g} quarter notes a minute; ask for "
                f"{SLOWEST:g} to {FASTEST:g}."
            )

    def beats(self, said: Said) -> None:
        """Felt beats, which in 6/8 are dotted quarters."""
        pulse = parse_metre(self.values["metre"]).pulse
        self.put("tempo", float(said.value * pulse), Reason("words", said.words))
        if pulse != 1:
            self.notes.append(
                f"tempo: {said.value:g} beats a minute are {said.value * pulse:g} quarter notes in "
                f"{self.values['metre']}."
            )

    def usual_tempo(self) -> tuple[float, Reason]:
        """Of the genre, higher or lower by mood; or of the mood."""
        name, chosen = self.values["mood"], MOODS[self.values["mood"]]
        degree = self.said["mood"].degree if self.reasons["mood"].by == "words" else 1.0
        middle = sum(chosen.tempo) / 2
        if self.kind is GENRES["song"]:
            return _NEUTRAL_TEMPO * (middle / _NEUTRAL_TEMPO) ** degree, Reason("mood", name)
        low, high = self.kind.tempo
        place = 0.5
        if self.reasons["mood"].by in ("words", "option"):
            place += degree * (middle - _NEUTRAL_TEMPO) / _TEMPO_SPREAD
        usual = low + min(max(place, 0.0), 1.0) * (high - low)
        return usual, Reason("genre", self.values["genre"])

    def length(self) -> None:
        if not self.given("form"):
            self.put("form", None, Reason("default"))
        if not self.given("bars"):
            if "seconds" in self.said:
                self.seconds(self.said["seconds"])
            else:
                sections = len(self.values["form"] or "")
                bars = sections * SECTION_BARS if sections > 1 else self.kind.bars
                reason = Reason("genre", self.values["genre"])
                self.put("bars", bars, Reason("words", self.values["form"]) if sections else reason)
        elif "seconds" in self.said and "bars" in self.options:
            self.told("bars", self.said["seconds"])
        self.fit_sections()
        if not 1 <= self.values["bars"] <= MOST_BARS:
            raise SegueError(
                f"The brief asks for {self.values['bars']} bars; ask for 1 to {MOST_BARS}."
            )

    def seconds(self, said: Said) -> None:
        """Whole phrases that come nearest to a length."""
        length = parse_metre(self.values["metre"]).quarters * 60 / self.values["tempo"]
        bars = max(1, round(said.value / length / 4)) * 4
        most = max(4, min(bars, MOST_BARS))
        self.put("bars", most, Reason("words", said.words))
        if most != bars:
            self.notes.append(
                f'length: "{said.words}" would be {bars} bars; {most} are the most there can be.'
            )

    def fit_sections(self) -> None:
        """Sections are of one length, at least two bars each."""
        form, bars = self.values["form"], self.values["bars"]
        if form and (bars % len(form) or bars < 2 * len(form)):
            each = min(max(2, round(bars / len(form))), MOST_BARS // len(form))
            self.notes.append(
                f"length: {bars} bars do not go into {form} evenly; it has {each * len(form)}."
            )
            self.put("bars", each * len(form), self.reasons["bars"])

    def character(self) -> None:
        """Density, register and swing."""
        name, chosen = self.values["mood"], MOODS[self.values["mood"]]
        by_genre = Reason("genre", self.values["genre"])
        if not self.given("density"):
            usual = DENSITIES[(chosen.density > _SPARSE) + (chosen.density >= _DENSE)]
            own = self.kind.density
            self.put("density", own or usual, by_genre if own else Reason("mood", name))
        if not self.given("register"):
            own = self.kind.register
            usual = own or _REGISTERS.get(name, "middle")
            self.put("register", usual, by_genre if own else Reason("mood", name))
        if not self.given("swing"):
            self.put("swing", self.kind.swing, by_genre)
        elif self.reasons["swing"].by == "words" and self.said["swing"].value > 1:
            # Half a swing lies half-way to straight.
            ratio = 1 + (self.said["swing"].value - 1) * min(self.said["swing"].degree, 1.5)
            self.put("swing", ratio, self.reasons["swing"])

    def players(self) -> None:
        chosen, own = MOODS[self.values["mood"]], self.kind.players
        by = "genre" if own else "mood"
        reason = Reason(by, self.values[by])
        lead = own.lead if own else chosen.melody_program
        chords = own.chords if own else chosen.chord_program
        for name, usual, other in (("lead", lead, 73), ("accompaniment", chords, 24)):
            if not self.given(name):
                avoided = self.avoids("instrument", usual)
                self.put(name, other if avoided else usual, reason)
        if not self.given("bass"):
            played = own.bass if own else chosen.bass_program if chosen.bass != "none" else None
            self.put("bass", None if self.avoids("instrument", played) else played, reason)
        if not self.given("drums"):
            groove = own.groove if own else chosen.drums
            self.put("drums", groove != "none", reason)
