"""The melody of a MusicXML file (partwise; plain or ``.mxl``), with its chords.

Read are divisions, keys, metres, transposition, notes with ties, backup and forward, harmony,
barlines with repeats and endings, and the first tempo. Grace and cue notes are left out. Of a
part with several staves the first is taken, and of what sounds together there the top line. Where
there are no chord symbols, the harmony of what sounds in all parts together is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from xml.etree.ElementTree import Element

from segue.envs.music.corpus.gate import DEFAULT_LIMITS, Limits, NotationError
from segue.envs.music.corpus.harmony import POLYPHONIC, chords_by_beat
from segue.envs.music.corpus.keys import find_key
from segue.envs.music.corpus.layout import lay_out
from segue.envs.music.corpus.measures import TICKS, Heading
from segue.envs.music.corpus.melody import melody_part
from segue.envs.music.corpus.musicxml_measure import MeasureReader, MusicXmlError, Part
from segue.envs.music.corpus.musicxml_scan import XmlScanner, score_bytes
from segue.envs.music.corpus.types import CorpusTune


def read_musicxml(
    data: bytes, source: str, title: str, licence: str, limits: Limits = DEFAULT_LIMITS
) -> CorpusTune:
    """Read the melody of a MusicXML file.

    Parameters
    ----------
    data : bytes
        The file.
    source : str
        Where it comes from.
    title : str
        Title of a piece that has none.
    licence : str
        As `CorpusTune.licence`.
    limits : Limits
        `events`, `expanded`, `nesting` and `quarters` are heeded.

    Raises
    ------
    NotationError
        If it cannot be read, has no notes, or is beyond the limits.
    """
    score = _ScoreReader(source, limits)
    try:
        score.scanner.scan(score_bytes(data, source, limits))
    except MusicXmlError as error:
        raise NotationError(
            f"{source} is no proper MusicXML ({error}); export it again."
        ) from error
    parts = [part for part in score.parts if any(m.notes for m in part.measures)]
    if not parts:
        hint = "export it as partwise MusicXML" if score.timewise else "leave it out"
        raise NotationError(f"{source} has no notes in any part; {hint}.")
    chosen = melody_part(
        [part.name for part in parts], [[n for m in p.measures for n in m.notes] for p in parts]
    )
    part = parts[chosen]
    _settle_keys(part)
    # What is too long is refused below; nothing is estimated for it.
    if sum(measure.ticks for measure in part.measures) <= limits.quarters * TICKS:
        _settle_chords(part, parts)
    words = score.words
    name = words.get("work-title") or words.get("movement-title") or title
    return lay_out(part.measures, Heading(name, source, licence, score.tempo or 120.0), limits)


def _settle_keys(part: Part) -> None:
    """Choose between major and minor, by the notes, where only a signature is given."""
    for fifths in {fifths for fifths, _ in part.signatures}:
        measures = [measure for other, measure in part.signatures if other == fifths]
        notes = [(n.pitch, float(n.ticks)) for m in measures for n in m.notes]
        key = find_key(notes, fifths)
        for measure in measures:
            measure.key = key


def _settle_chords(part: Part, parts: Sequence[Part]) -> None:
    """Take chord symbols from wherever they stand, or else the chords of polyphonic music."""
    # The melody's own symbols come first, but they may stand above another part.
    for other in (part, *parts):
        if any(measure.chords for measure in other.measures):
            for measure, above in zip(part.measures, other.measures, strict=False):
                measure.chords = above.chords
            return
    everything = zip_longest(*(other.sounding for other in parts), fillvalue=())
    together = [[note for notes in voices for note in notes] for voices in everything]
    melodic = sum(len(measure.notes) for measure in part.measures)
    if sum(map(len, together)) > POLYPHONIC * melodic:
        chords_by_beat(list(zip(part.measures, together, strict=False)))


class _ScoreReader:
    """Gathers parts from the elements that the scanner hands over."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.parts: list[Part] = []
        self.words: dict[str, str] = {}
        self.tempo: float | None = None
        self.timewise = False
        self._limits = limits
        self._room = limits.events
        self._names: dict[str, str] = {}
        self.scanner = XmlScanner(
            source,
            limits,
            {
                "work-title": self._word,
                "movement-title": self._word,
                "score-part": self._score_part,
                "measure": self._measure,
            },
            {"part": self._open_part},
        )

    def _word(self, element: Element) -> None:
        self.words.setdefault(element.tag, " ".join((element.text or "").split()))

    def _score_part(self, element: Element) -> None:
        self._names[element.get("id", "")] = element.findtext("part-name") or ""

    def _open_part(self, attributes: dict[str, str]) -> None:
        self.parts.append(Part(self._names.get(attributes.get("id", ""), "")))

    def _measure(self, element: Element) -> None:
        if element.find("part") is not None or not self.parts:
            self.timewise = True
            return
        reader = MeasureReader(self.parts[-1])
        for child in element:
            reader.read(child)
        self._room -= len(reader.sounding)
        if self._room < 0:
            raise MusicXmlError("it has too many notes")
        if reader.measure.ticks > self._limits.quarters * TICKS:
            raise MusicXmlError("it has a measure longer than any piece")
        if self.tempo is None:
            self.tempo = reader.tempo
        reader.finish()
