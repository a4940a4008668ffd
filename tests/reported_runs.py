"""Short runs to report, some of them broken, and the works of other verbs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from segue.experiments.run_report import report_verb
from segue.experiments.train import train
from segue.experiments.train_config import TrainConfig

TUNES, CAMERAS = "segue/LeadSheet-v0", "segue/Multicam-v0"
COMMAND = ["segue", "report", "runs", "--out", "report.html"]


def train_runs(folder: Path) -> Path:
    """Train two agents a little, write down what broken runs leave behind, and make a work.

    ::

        ppo-0, ppo-1, table  finished        stopped  without a result
        torn    checkpoint cut short         forged   result is no JSON
        film    of segue edit                plan     settings of another verb
    """
    small = {"bars": 2, "pieces": 2}
    for seed in range(2):
        config = TrainConfig(
            **{"env": TUNES, "agent": "ppo", "steps": 64, "seed": seed, "num_envs": 2},
            **{"eval_episodes": 4, "env_options": small, "test_options": {"piece_seed": 1000}},
            hyperparameters={"n_steps": 32, "batch_size": 32},
        )
        train(config, folder / f"ppo-{seed}", ["segue", "train", "--seed", str(seed)])
    for seed, name in enumerate(("table", "torn")):
        table = TrainConfig(CAMERAS, "q-learning", steps=2_000, seed=seed, eval_episodes=3)
        train(table, folder / name, ["segue", "train"])
    shutil.copytree(folder / "ppo-0", folder / "stopped")
    (folder / "stopped" / "result.json").unlink()
    for file in (folder / "torn" / "checkpoints").iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    shutil.copytree(folder / "ppo-1", folder / "forged")
    (folder / "forged" / "result.json").write_text('{"format": "segue.result.v1"')
    write_work(folder / "film")
    (folder / "plan").mkdir()
    (folder / "plan" / "config.yaml").write_text("trials: 8\n")
    return folder


def write_work(folder: Path) -> None:
    """Write what ``segue edit`` leaves behind, as far as a report looks at it."""
    folder.mkdir()
    Image.fromarray(np.full((90, 1280, 3), 99, np.uint8)).save(folder / "timeline.png")
    for name in ("film.mp4", "report.html"):
        (folder / name).write_bytes(b"it is not opened")
    (folder / "config.yaml").write_text("length: 30.0\n")
    source = {"name": "a <film>.mp4", "licence": "CC-BY-3.0", "attribution": "A & B", "digest": ""}
    manifest = {
        **{"format": "segue.manifest.v1", "segue": "0.1.0", "python": "3.11.7", "libraries": {}},
        **{"command": ["segue", "edit", "a film.mp4"], "time": "2026-01-02T03:04:05+00:00"},
        **{"platform": "Linux", "config": {"length": 30.0}, "sources": [source]},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def write_page(folder: Path) -> Path:
    """Write the page about all of them."""
    page = folder / "report.html"
    report_verb([folder], page, 3, COMMAND)
    return page
