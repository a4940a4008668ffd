"""The HParams page of TensorBoard: one row a run, the same columns for every run.

TensorBoard takes the columns from the first run that it finds, so that all runs must name the
same; and ``SummaryWriter.add_hparams`` would make a second run of it, in a folder of its own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tensorboard.compat.proto.summary_pb2 import (  # type: ignore[import-untyped]
    Summary,
    SummaryMetadata,
)
from tensorboard.plugins.hparams import api_pb2, metadata  # type: ignore[import-untyped]
from tensorboard.plugins.hparams import plugin_data_pb2 as data

TEXTS = ("env", "agent", "env_options", "policy", "demonstrations")
"""Settings that are words; ``"-"`` where a run has none."""
NUMBERS = (
    *("seed", "steps", "num_envs", "learning_rate", "gamma", "n_steps", "batch_size"),
    *("n_epochs", "ent_coef", "gae_lambda", "buffer_size", "train_freq"),
)
"""Settings that are numbers; left out, which the page shows as an empty cell, where a run has
none."""
FIRST = ("agent", "env", "learning_rate", "seed", "steps")
"""The five columns that the page shows unasked. It takes those that are said to differ between runs
first, each lot by the alphabet."""
NOTHING = "-"

TEST_RETURN, TEST_FRACTION, SECONDS = "final/test_return", "final/fraction", "final/seconds"
METRICS: Mapping[str, str] = {
    TEST_RETURN: "test return",
    TEST_FRACTION: "fraction of optimum",
    SECONDS: "seconds",
}
"""What came of a run: what each scalar is called on the page."""


def settings_of(config: Mapping[str, Any], learner: object) -> dict[str, str | float]:
    """Bring the settings of a run into the columns of the page.

    Parameters
    ----------
    config : mapping
        Fields of a `segue.experiments.train_config.TrainConfig`.
    learner : object
        The agent, whose attributes tell the hyperparameters that the settings leave to it.

    Returns
    -------
    dict
        All of `TEXTS`, and those of `NUMBERS` that are numbers in this run.
    """
    given = {**_told_by(learner), **config, **config.get("hyperparameters", {})}
    numbers = {name: given.get(name) for name in NUMBERS}
    if isinstance(numbers["learning_rate"], Sequence):  # It falls; what it begins with is shown.
        numbers["learning_rate"] = numbers["learning_rate"][0]
    return {
        **{name: _words(given.get(name)) for name in TEXTS},
        **{
            name: float(value)
            for name, value in numbers.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        },
    }


def _told_by(learner: object) -> dict[str, Any]:
    """Give what an agent's attributes tell; a table's learning rate is its `alpha`."""
    found = {name: getattr(learner, name, None) for name in NUMBERS}
    if found["learning_rate"] is None:
        found["learning_rate"] = getattr(learner, "alpha", None)
    return found


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        value = ", ".join(f"{key}={part}" for key, part in value.items())
    return value if isinstance(value, str) and value else NOTHING


def beginning(settings: Mapping[str, str | float]) -> list[Summary]:
    """Summaries that make a run a row of the page.

    Parameters
    ----------
    settings : mapping
        As `settings_of` gives them.

    Raises
    ------
    ValueError
        If one has no column.
    """
    unknown = set(settings) - {*TEXTS, *NUMBERS}
    if unknown:
        raise ValueError(f"there is no column {min(unknown)!r} on the page of hyperparameters")
    text, number = api_pb2.DATA_TYPE_STRING, api_pb2.DATA_TYPE_FLOAT64
    kinds = {**dict.fromkeys(TEXTS, text), **dict.fromkeys(NUMBERS, number)}
    columns = [
        api_pb2.HParamInfo(name=name, type=kind, differs=name in FIRST)
        for name, kind in kinds.items()
    ]
    results = [
        api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=name)
        for tag, name in METRICS.items()
    ]
    start = data.SessionStartInfo(start_time_secs=time.time())
    for name, value in settings.items():
        if isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    experiment = api_pb2.Experiment(hparam_infos=columns, metric_infos=results)
    return [
        _summary(metadata.EXPERIMENT_TAG, data.HParamsPluginData(experiment=experiment)),
        _summary(metadata.SESSION_START_INFO_TAG, data.HParamsPluginData(session_start_info=start)),
    ]


def ending() -> Summary:
    """Summary that says that a run has ended well."""
    end = data.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    return _summary(metadata.SESSION_END_INFO_TAG, data.HParamsPluginData(session_end_info=end))


def _summary(tag: str, content: Any) -> Summary:
    content.version = metadata.PLUGIN_DATA_VERSION
    plugin = SummaryMetadata.PluginData(
        plugin_name=metadata.PLUGIN_NAME, content=content.SerializeToString()
    )
    value = Summary.Value(
        tag=tag, metadata=SummaryMetadata(plugin_data=plugin), tensor=metadata.NULL_TENSOR
    )
    return Summary(value=[value])


__all__ = ["METRICS", "NUMBERS", "TEXTS", "beginning", "ending", "settings_of"]
