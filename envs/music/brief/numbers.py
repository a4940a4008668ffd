"""Numbers in briefs: tempi, lengths, metres, keys and forms, in figures and in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from segue.envs.music.brief.table import FORM, plain
from segue.envs.music.changes import parse_key

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ENGLISH = {
    **{name: value for value, name in enumerate(_SMALL)},
    **{name: 10 * value for value, name in enumerate(_TENS, start=2)},
}
_DIGITS = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, "两": 2, "\u3007": 0}

_NAME = "|".join(sorted((*_ENGLISH, "hundred"), key=len, reverse=True))
_FIGURES = r"(?<![\d.])\d{1,6}(?:\.\d{1,3})?"
_NUMBER = (
    rf"(?:{_FIGURES}|(?<![a-z])(?:a )?(?:{_NAME})(?:[ -](?:and )?(?:{_NAME}))*"
    r"|[零\u3007一二两三四五六七八九十百]{1,7})"
)
_SIGN = r"(?:[#♯♭]|b(?![a-z])|[ -]?sharp|[ -]?flat)"
_MODES = (
    r"(?:(?:harmonic|melodic|natural)[ -])?(?:major|minor|maj|min)(?![a-z])"
    r"|dorian|phrygian|lydian|mixolydian|ionian|aeolian"
)
_CHINESE_MODES = {
    **{"大调": "major", "小调": "minor", "自然小调": "minor", "自然大调": "major"},
    **{"和声小调": "harmonic minor", "旋律小调": "melodic minor", "混合利底亚": "mixolydian"},
    **{"多利亚": "dorian", "弗里吉亚": "phrygian", "利底亚": "lydian"},
}
_OF_MODES = "|".join(sorted(_CHINESE_MODES, key=len, reverse=True))


SLOWEST_BEATS = 30
"""Fewer beats than these, of which no minute is said, are those of a bar."""


@dataclass(frozen=True)
class Found:
    """Something that a text says by its form, not by a word of the table.

    Attributes
    ----------
    start, end : int
        Where it stands.
    means : mapping of str to Any
        Fields and values, as of an entry of the table; beside them ``bars``, ``beats`` (felt
        beats a minute) and ``tonic``.
    """

    start: int
    end: int
    means: Mapping[str, Any]


def read_number(text: str) -> float:
    """Value of a number up to 999 in English or Chinese words, or of one in figures."""
    if re.fullmatch(_FIGURES, text):
        return float(text)
    if not re.match("[a-z]", text):
        return _read_chinese(text)
    total = part = 0
    for word in re.findall("[a-z]+", text):
        if word == "hundred":
            total, part = total + 100 * max(1, part), 0
        else:
            part += _ENGLISH.get(word, 0)
    return float(total + part)


def _read_chinese(text: str) -> float:
    total = part = 0
    for letter in text:
        if letter in _DIGITS:
            # Figures in a row, as in 一二〇, are read like those of 120.
            part = part * 10 + _DIGITS[letter]
        else:
            unit = {"十": 10, "百": 100}[letter]
            total, part = total + unit * max(1, part), 0
    return float(total + part)


def _beats(match: re.Match[str]) -> Mapping[str, Any]:
    return {"beats": read_number(match[1])}


def _many_beats(match: re.Match[str]) -> Mapping[str, Any] | None:
    """Beats without "a minute": so many can be no metre."""
    beats = read_number(match[1])
    return {"beats": beats} if beats >= SLOWEST_BEATS else None


def _quarters(match: re.Match[str]) -> Mapping[str, Any]:
    return {"tempo": read_number(match[1])}


def _bars(match: re.Match[str]) -> Mapping[str, Any] | None:
    bars = read_number(match[1])
    return {"bars": int(bars)} if bars == int(bars) else None


def _seconds(match: re.Match[str]) -> Mapping[str, Any]:
    return {"seconds": read_number(match[1])}


def _minutes(match: re.Match[str]) -> Mapping[str, Any]:
    whole = match["minutes"]
    minutes = {"half a": 0.5, "a": 1.0, "半": 0.5}.get(whole)
    minutes = read_number(whole) if minutes is None else minutes
    given = match.groupdict()
    more = 30.0 if given.get("half") or given.get("and_half") else 0.0
    if given.get("seconds"):
        more += read_number(given["seconds"])
    return {"seconds": 60 * minutes + more}


def _metre(match: re.Match[str]) -> Mapping[str, Any]:
    return {"metre": f"{int(match[1])}/{int(match[2])}"}


def _key(match: re.Match[str]) -> Mapping[str, Any] | None:
    if match["note"] in "aA" and re.match(
        r"[ ]?(?:key|mode|scale|tune|piece|song|feel)", match["after"]
    ):
        return None  # "In a minor key" names no A.
    tonic, mode = parse_key(f"{match['note']}{(match['sign'] or '').strip(' -')} {match['mode']}")
    return {"tonic": tonic, "mode": mode}


def _tonic(match: re.Match[str]) -> Mapping[str, Any]:
    return {"tonic": parse_key(f"{match['note']}{(match['sign'] or '').strip(' -')}")[0]}


def _chinese_key(match: re.Match[str]) -> Mapping[str, Any]:
    before = {"升": "#", "降": "b"}.get(match["before"] or "", "")
    mode = _CHINESE_MODES[match["mode"]]
    tonic, name = parse_key(f"{match['note']}{before or match['sign'] or ''} {mode}")
    return {"tonic": tonic, "mode": name}


def _form(match: re.Match[str]) -> Mapping[str, Any] | None:
    form = match[1].upper()
    news = [letter for place, letter in enumerate(form) if letter not in form[:place]]
    fits = FORM.fullmatch(form) and news == sorted(news) and "".join(news) in "ABCD"
    return {"form": form} if fits else None


_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], Mapping[str, Any] | None]]

_RULES: tuple[_Rule, ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (rf"({_NUMBER})[ -]?(?:quarter notes|quarters|crotchets) (?:per|a) minute", _quarters),
        (rf"({_NUMBER})[ -]?(?:bpm|beats (?:per|a) minute)(?![a-z])", _beats),
        (rf"(?:bpm|tempo)(?: of| is| at|:|=| =)* ?({_NUMBER})", _beats),
        (rf"每分钟?(?:大约|约)?({_NUMBER})[个]?拍", _beats),
        (rf"({_NUMBER})拍?(?:每分钟?|/分钟?)", _beats),
        (rf"速度(?:为|是|:|大约|约|每分钟)*({_NUMBER})(?!小节)拍?", _beats),
        (rf"({_NUMBER})[ -]?(?:bars?|measures?)(?![a-z])(?:[ -]long(?![a-z]))?", _bars),
        (rf"({_NUMBER})个?小节", _bars),
        (r"(?P<minutes>\d{1,2}):(?P<seconds>[0-5]\d)(?!\d)", _minutes),
        (
            rf"(?P<minutes>{_NUMBER}|(?<![a-z])half a|(?<![a-z])a)(?P<and_half> and a half)?[ -]?"
            rf"(?:minutes?|mins?)(?![a-z])(?P<half> and a half)?"
            rf"(?:(?: and)? (?P<seconds>{_NUMBER})[ -]?(?:seconds?|secs?))?(?:[ -]long(?![a-z]))?",
            _minutes,
        ),
        (
            rf"(?P<minutes>{_NUMBER}|半)分(?:钟|(?=[半零一二三四五六七八九十\d]))(?P<half>半钟?)?"
            rf"(?:(?P<seconds>{_NUMBER})秒钟?)?",
            _minutes,
        ),
        (rf"({_NUMBER})[ -]?(?:seconds?|secs?|s)(?![a-z])(?:[ -]long(?![a-z]))?", _seconds),
        (rf"({_NUMBER})秒钟?", _seconds),
        (r"(?<![\d/])(\d{1,2})/(\d{1,2})(?![\d/])(?:拍子|拍)?", _metre),
        (
            rf"(?<![a-z])(?P<note>[b-g]|(?:(?<=in )|(?<=key of ))a)(?P<sign>{_SIGN})?[ -]?"
            rf"(?P<mode>{_MODES})(?P<after>.{{0,6}})",
            _key,
        ),
        (rf"(?<![a-z])(?P<note>a)(?P<sign>{_SIGN})[ -]?(?P<mode>{_MODES})(?P<after>)", _key),
        (rf"({_FIGURES}|[一二三四五六七八九]?[十百][一二三四五六七八九十]*)拍(?!子)", _many_beats),
        (
            rf"(?<![a-z])(?:in|key of|key:?) (?P<note>[a-g])(?P<sign>{_SIGN})?"
            r"(?= *(?:$|[,.;:!?\n]))",
            _tonic,
        ),
        (
            rf"(?P<before>[升降])?(?<![a-z])(?P<note>[a-g])(?P<sign>[#b♯♭])?"
            rf"(?P<mode>{_OF_MODES})(?:调式)?",
            _chinese_key,
        ),
        (r"(?<![a-z])(a[a-d]{1,7})(?:[ -]?form|曲式|式|结构)(?![a-z])", _form),
    )
)

# Only the capital tells these from *a minor thing* and from a word.
_CAPITALS: tuple[_Rule, ...] = (
    (re.compile(r"(?<![A-Za-z])(A[A-D]{1,7})(?![A-Za-z])"), _form),
    (
        re.compile(
            r"(?<=[^\s.!?])\s*(?<![A-Za-z])(?P<note>A)(?P<sign>)[ -](?P<mode>"
            r"(?:(?:harmonic|melodic|natural) )?(?:major|minor))(?![a-z])(?P<after>.{0,6})"
        ),
        _key,
    ),
    (re.compile(rf"(?<=[Ii]n )(?P<note>[B-G])(?P<sign>{_SIGN})?(?![A-Za-z])"), _tonic),
)


def find_numbers(text: str) -> list[Found]:
    """Find what a text says in figures, keys and forms.

    Parameters
    ----------
    text : str
        Normalised by NFKC, its capitals kept: they tell a form, as in AABA.

    Returns
    -------
    list of Found
        In order, none overlapping; of two the one whose rule stands first.
    """
    small, found = plain(text), list[Found]()
    for number, (pattern, rule) in enumerate((*_RULES, *_CAPITALS)):
        for match in pattern.finditer(small if number < len(_RULES) else text):
            means = rule(match)
            start, end = match.start(), match.end()
            if "after" in match.groupdict():
                end = match.start("after")
            if means and all(end <= one.start or one.end <= start for one in found):
                found.append(Found(start, end, means))
    return sorted(found, key=lambda one: one.start)
