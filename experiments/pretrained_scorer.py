"""The judge of two-bar melodies that comes with segue, and its model card.

Trained on one thread, so that the same machine makes the same file, in a quarter of an hour::

    python -m segue.experiments.pretrained_scorer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import segue.agents.generators.pretrained
from segue.agents.generators.scorer import MelodyScorer, ScorerConfig, fit_scorer
from segue.envs.base.errors import SegueError
from segue.envs.melody.corpus_prior import corpus_windows
from segue.envs.music.corpus.defaults import DEFAULT_NAMES
from segue.envs.music.corpus.library import collections
from segue.experiments.attention_table import windows_by
from segue.experiments.audit_tables import per_cent
from segue.experiments.generators_measure import GeneratorsStudy, Sampler
from segue.experiments.generators_table import plain_samplers, scorer_rankings, trained_gans
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.run_folder import write_text

NAME = "scorer"

LARGEST = 1_000_000
"""Bytes that the judge may have."""

NEGATIVES = 20_000
"""Melodies of each origin that it learns to tell from people's."""

_LEARNT, _RANKED = 1_000_000, 5_000
"""Seed of those, far from the seeds that others are drawn by; melodies that are ranked."""


def generators(tell: Tell) -> dict[str, Sampler]:
    """Train the GAN by its defaults and seed 0, and give it and the attention model."""
    study = GeneratorsStudy(seeds=1, melodies=3, described=3, compared=3)
    return {"attention": windows_by, "GAN": trained_gans(study, tell)["GAN"][0]}


def write_scorer(
    folder: Path, samplers: Mapping[str, Sampler], config: ScorerConfig, tell: Tell
) -> tuple[Path, Path]:
    """Train the judge on the training windows, and write it and its model card.

    Parameters
    ----------
    folder : Path
        Gets ``scorer.safetensors`` and ``scorer.md``.
    samplers : mapping of str to Sampler
        Others beside the n-gram that it learns to tell from people.
    config : ScorerConfig
        The settings.
    tell : callable
        Told the share done and what is being done.

    Raises
    ------
    SegueError
        If the file would be too large.
    """
    torch.set_num_threads(1)
    writers = {"n-gram": plain_samplers(1)["n-gram"][0], **samplers}
    others = {}
    for number, (name, write) in enumerate(writers.items()):
        tell(0.4 * number / len(writers), f"melodies of {name}")
        others[name] = write(NEGATIVES, _LEARNT)
    tell(0.4, "training")
    judge = fit_scorer(corpus_windows("train"), others, config, 0)
    known = {one.name: one.licence for one in collections()}
    judge.facts = {
        "collections": list(DEFAULT_NAMES),
        "licences": {name: known[name] for name in DEFAULT_NAMES},
        "parameters": sum(weights.numel() for weights in judge.network.parameters()),
        "told_from": [*others, "shuffled", "drones and scales", "uniform random"],
        "training": asdict(config),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.safetensors"
    judge.save(path)
    size = path.stat().st_size
    if size > LARGEST:
        raise SegueError(f"{path} has {size:,} bytes, more than {LARGEST:,}; choose a less width.")
    tell(0.9, "ranking")
    # By what was written, in half precision.
    rankings = scorer_rankings(MelodyScorer.load(path), samplers, _RANKED, 0)
    people = len(corpus_windows("test"))
    return path, write_text(
        folder / f"{NAME}.md", _card(judge.facts, rankings, people, config, size)
    )


def _card(
    facts: Mapping[str, Any],
    rankings: Mapping[str, float],
    people: int,
    config: ScorerConfig,
    size: int,
) -> str:
    sources = ", ".join(f"{name} ({facts['licences'][name]})" for name in facts["collections"])
    rows = []
    for name, share in rankings.items():
        pairs = people * (people if name == "people's shuffled" else _RANKED)
        rows.append(f"| {name} | {pairs:,} | {per_cent(share)} % |")
    head = ["| set against | pairs | people's above |", "| --- | ---: | ---: |"]
    table = "\n".join([*head, *rows])
    return f"""# Model card: {NAME}.safetensors

Says of a two-bar melody how likely a person made it: the argument `judge` of `segue/Melody-v0`
(`judge="segue.agents.generators.pretrained:scorer"`), whose term `realism` pays for it.

- **What**: the discriminator of segue's GAN over the sixteenth grid
  (`segue.agents.generators.scorer`): {facts["parameters"]:,} parameters in half precision,
  {size / 1e6:.2f} MB; {config.steps:,} steps of {config.batch} melodies of people and as many
  others, seed 0. It gives log-odds where half of all melodies are people's.
- **Data**: two-bar windows in major and 4/4 of the training split (80 %) of {sources},
  as they come with music21; tunes with variants lie in one split.
- **Told from**: {", ".join(facts["told_from"])}. The attention model is
  `melody.safetensors`; the GAN has its default settings and seed 0; {NEGATIVES:,} melodies of each
  of the models.
- **Licence**: that of segue.
- **Limits**: it knows folk tunes of the British Isles and chorale sopranos, moved to C major, and
  what these models get wrong. An agent that is paid for its judgement may find melodies that it
  takes for people's and no person would write: keep the other terms beside it, or a prior. Settings
  were chosen on the validation split; the table was measured once they were.
- **Made by**: `python -m segue.experiments.pretrained_scorer`.

{table}

Of all pairs of a window of the test split and another melody, those in which the window scores
higher.
"""


if __name__ == "__main__":
    home = Path(segue.agents.generators.pretrained.__file__).parent / "models"
    with progress_bar(NAME) as bar:
        trained = generators(lambda share, text: bar(0.5 * share, text))
        for written in write_scorer(
            home, trained, ScorerConfig(), lambda share, text: bar(0.5 + 0.5 * share, text)
        ):
            print(written)
