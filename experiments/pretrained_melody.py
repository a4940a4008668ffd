"""The melody model that comes with segue, and its model card.

Made from a run of ``segue train attention`` by::

    python -m segue.experiments.pretrained_melody RUN
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import segue.agents.generators.pretrained
from segue.agents.generators.melody_model import MelodyModel
from segue.envs.base.errors import SegueError
from segue.experiments.attention_run import MODEL
from segue.experiments.generator_config import AttentionRun
from segue.experiments.run_folder import RunFolder, read_config, write_text

NAME = "melody"

LARGEST = 5_000_000
"""Bytes that the model may have."""


def write_melody(run: Path, folder: Path) -> tuple[Path, Path]:
    """Write the model of a run and its model card.

    Parameters
    ----------
    run : Path
        A finished run of ``segue train attention``.
    folder : Path
        Gets ``melody.safetensors`` and ``melody.md``.

    Raises
    ------
    SegueError
        If the run has no model, or it is too large.
    """
    config = read_config(RunFolder(run), AttentionRun)
    model = MelodyModel.load(run / MODEL)
    size = (run / MODEL).stat().st_size
    if size > LARGEST:
        raise SegueError(f"{run / MODEL} has {size:,} bytes, more than {LARGEST:,}; make it less.")
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{NAME}.safetensors"
    model.save(weights)
    return weights, write_text(folder / f"{NAME}.md", _card(config, model.facts, size))


def _card(config: AttentionRun, facts: Mapping[str, Any], size: int) -> str:
    sources = ", ".join(f"{name} ({facts['licences'][name]})" for name in facts["collections"])
    rows = [
        f"| {name} | {test['tunes']} | {test['nll']:.3f} | {100 * test['onset_accuracy']:.1f} % |"
        for name, test in facts["test"].items()
    ]
    head = ["| test tunes | tunes | nats a token | onsets foretold |", "| --- |" + " ---: |" * 3]
    table = "\n".join([*head, *rows])
    grown = f", from {config.start}" if config.start else ""
    return f"""# Model card: {NAME}.safetensors

The melody model of `segue compose "..."` and `segue sample`, and a prior of `segue/Melody-v0`.

- **What**: a causal transformer over the sixteenth grid (`segue.agents.generators.attention`):
  {facts["parameters"]:,} parameters in half precision, {size / 1e6:.1f} MB; seed
  {config.seed}{grown}.
- **Told**: mode, metre, tempo, genre, mood, density, register, chords, length, each of them
  optional (`segue.agents.generators.conditions`).
- **Data**: the training split (80 %) of {sources}, as they come with music21; tunes with
  variants lie in one split.
- **Licence**: that of segue.
- **Limits**: folk tunes of the British Isles and chorale sopranos, nothing else; one voice, no
  triplets; chords are known of the chorales alone, and tempo of some of the tunes. Its mood is no
  more than mode and density. What it writes may resemble a tune that it has learnt: see the
  copied runs in `docs/results/generators.md`.
- **Made by**: `segue train attention --seed {config.seed}`, then
  `python -m segue.experiments.pretrained_melody RUN`.

{table}

Measured on the test split, told what the files tell before the first note.
"""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m segue.experiments.pretrained_melody RUN")
    home = Path(segue.agents.generators.pretrained.__file__).parent / "models"
    for path in write_melody(Path(sys.argv[1]), home):
        print(path)
