"""Copied runs and near-copies."""

from __future__ import annotations

import numpy as np
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.defaults import DEFAULT_NAMES, default_files
from segue.envs.music.corpus.duplicates import group_melodies
from segue.envs.music.corpus.reading import read_tunes
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.envs.music.metrics.originality import (
    CopySearch,
    chance_similarity,
    copied_run,
    run_range,
)

SCALE = (0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19)


def walk(generator: np.random.Generator, count: int) -> list[int]:
    """A melody that mostly goes by step through a major scale."""
    place, melody = 5, []
    for _ in range(count):
        place = int(np.clip(place + generator.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3]), 0, 11))
        melody.append(60 + SCALE[place])
    return melody


def plant(melody: list[int], generator: np.random.Generator, edits: int) -> list[int]:
    """A near-copy: notes changed, put in and left out, in another key."""
    copy = list(melody)
    for _ in range(edits):
        place = int(generator.integers(len(copy)))
        kind = generator.integers(3)
        if kind == 0:
            copy[place] += int(generator.choice([-3, -2, -1, 1, 2, 3]))
        elif kind == 1:
            copy.insert(place, copy[place] + int(generator.choice([-2, -1, 1, 2])))
        else:
            del copy[place]
    shift = int(generator.integers(-12, 13))
    return [pitch + shift for pitch in copy]


def longest_by_hand(melodies: list[list[int]], query: list[int]) -> int:
    best = 0
    steps = list(np.diff(query))
    for melody in melodies:
        other = list(np.diff(melody))
        for i in range(len(steps)):
            for j in range(len(other)):
                run = 0
                while (
                    i + run < len(steps)
                    and j + run < len(other)
                    and steps[i + run] == other[j + run]
                ):
                    run += 1
                best = max(best, run)
    return best + 1


def test_longest_run_agrees_with_brute_force() -> None:
    generator = np.random.default_rng(0)
    for _ in range(30):
        melodies = [walk(generator, int(generator.integers(1, 30))) for _ in range(8)]
        melodies += [list(melodies[0]), []]
        index = IntervalIndex.build(melodies)
        query = walk(generator, 25)
        found = copied_run(index, query)
        assert found.notes == longest_by_hand(melodies, query)
        if found.notes > 1:
            run = query[found.start : found.start + found.notes]
            assert longest_by_hand([melodies[found.melody]], run) == found.notes


def test_suffixes_are_sorted() -> None:
    generator = np.random.default_rng(1)
    index = IntervalIndex.build([walk(generator, 20) for _ in range(5)] + [[60] * 40])
    steps = index.steps.tolist()
    suffixes = [steps[place:] for place in index.suffixes]
    assert suffixes == sorted(suffixes)
    assert sorted(index.suffixes) == list(range(len(steps)))


def test_runs_know_no_key_and_end_with_the_melody() -> None:
    index = IntervalIndex.build([[60, 62, 64, 65], [67, 69, 71, 72]])
    assert copied_run(index, [50, 52, 54, 55]).notes == 4
    found = copied_run(index, [48, 60, 62, 64, 65, 67])
    assert (found.notes, found.start, found.melody) in {(4, 1, 0), (4, 1, 1)}
    # The step from one melody to the next is none that anybody wrote.
    assert copied_run(index, [65, 67]).notes == 2
    assert copied_run(IntervalIndex.build([[60, 61], [80, 81]]), [61, 80]).notes == 1
    assert copied_run(IntervalIndex.build([]), [60, 62]).notes == 1
    assert copied_run(index, []).notes == 0
    assert copied_run(index, [64]).melody == -1


def test_range_of_runs() -> None:
    assert run_range(range(1, 101)) == 96
    assert run_range([3, 3, 3, 9], share=0.5) == 3
    with pytest.raises(SegueError, match="no runs"):
        run_range([])


def test_planted_near_copies_are_found_in_generated_melodies() -> None:
    generator = np.random.default_rng(2)
    melodies = [walk(generator, 48) for _ in range(300)]
    search = CopySearch(melodies)
    found = 0
    for number in range(200):
        match = search.find(plant(melodies[number], generator, edits=4))
        found += match is not None and match.melody == number
    assert found >= 198
    strangers = [walk(generator, 48) for _ in range(200)]
    assert sum(search.find(stranger) is not None for stranger in strangers) <= 4


def folk_tunes() -> list[list[int]]:
    """Pitches of two dozen tunes of the first default corpus, one of each group of variants."""
    tunes = read_tunes(default_files(DEFAULT_NAMES[0])[0])
    melodies = [[note.pitch for note in tune.notes] for tune in tunes]
    melodies = [melody for melody in melodies if len(melody) >= 32]
    groups = group_melodies(melodies).groups
    return [melodies[number] for number in sorted(set(groups))][:60]


def test_planted_near_copies_are_found_in_folk_tunes() -> None:
    melodies = folk_tunes()
    assert len(melodies) >= 30
    generator = np.random.default_rng(3)
    search = CopySearch(melodies)
    found = []
    for number, melody in enumerate(melodies):
        for length, edits in ((len(melody), 5), (32, 3)):
            start = int(generator.integers(len(melody) - length + 1))
            part = melody[start : start + length]
            match = search.find(plant(part, generator, edits))
            found.append(match is not None and match.melody == number)
    assert np.mean(found) >= 0.99
    backwards = [search.find(melody[::-1]) for melody in melodies]
    assert sum(match is not None for match in backwards) <= 1


def test_short_melodies_need_more_than_a_few_notes_alike() -> None:
    assert chance_similarity(8) > 1.0 > chance_similarity(12)
    assert chance_similarity(16) > chance_similarity(64) > 0.45
    search = CopySearch([[60, 62, 64, 65, 67, 69, 71, 72]])
    assert search.find([60, 62, 64, 65, 67]) is None
    assert search.find([]) is None


def test_a_whole_melody_counts_more_than_a_short_one_in_it() -> None:
    generator = np.random.default_rng(4)
    melody = walk(generator, 60)
    search = CopySearch([melody[10:24], plant(melody, generator, edits=2)])
    match = search.find(melody)
    assert match is not None
    assert match.melody == 1
    assert match.similarity < 1.0
