"""Reads back what a run wrote for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from segue.experiments.train_config import TrainConfig

TUNE = TrainConfig(
    "segue/LeadSheet-v0",
    "maskable-ppo",
    steps=1_024,
    num_envs=4,
    eval_episodes=2,
    env_options={"pieces": 2, "bars": 2},
    test_options={"pieces": 2, "piece_seed": 1_000},
    hyperparameters={"n_steps": 64, "batch_size": 64, "n_epochs": 1},
)

KINDS = ("scalars", "images", "audio", "histograms", "tensors")


def loaded(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), dict.fromkeys(KINDS, 0)).Reload()


def steps_of(folder: Path) -> dict[str, list[int]]:
    """Steps of every tag, as TensorBoard's own server reads them: all kinds as tensors."""
    events = plugin_event_accumulator.EventAccumulator(str(folder), {"tensors": 0}).Reload()
    return {tag: [one.step for one in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


def text_of(events: EventAccumulator, tag: str) -> str:
    (*_, event) = events.Tensors(f"{tag}/text_summary")
    return str(event.tensor_proto.string_val[0].decode())


def hparams_of(events: EventAccumulator, part: str) -> Any:
    content = events.summary_metadata[f"_hparams_/{part}"].plugin_data.content
    return HParamsPluginData.FromString(content)


def charts_in(folder: Path) -> dict[str, str]:
    (event,) = loaded(folder).Tensors("custom_scalars__config__")
    (category,) = Layout.FromString(event.tensor_proto.string_val[0]).category
    return {chart.title: chart.multiline.tag[0] for chart in category.chart}
