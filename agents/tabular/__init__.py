"""Tabular agents: Q-learning, and the exact solution to measure it by."""

from __future__ import annotations

from segue.agents.tabular.array_file import load_newest, save_newest, saved_tables
from segue.agents.tabular.demonstration_learning import (
    DemonstrationConfig,
    DemonstrationTable,
    train_from_demonstrations,
)
from segue.agents.tabular.demonstrations import Transitions, transitions_of
from segue.agents.tabular.discretise import Discretise
from segue.agents.tabular.policy import GreedyPolicy
from segue.agents.tabular.q_learning import train_compiled, train_plain
from segue.agents.tabular.q_learning_config import QLearningConfig
from segue.agents.tabular.q_table import QTable
from segue.agents.tabular.value_iteration import (
    Solution,
    is_forward,
    policy_evaluation,
    rollout_return,
    value_iteration,
)

__all__ = [
    "DemonstrationConfig",
    "DemonstrationTable",
    "Discretise",
    "GreedyPolicy",
    "QLearningConfig",
    "QTable",
    "Solution",
    "Transitions",
    "is_forward",
    "load_newest",
    "policy_evaluation",
    "rollout_return",
    "save_newest",
    "saved_tables",
    "train_compiled",
    "train_from_demonstrations",
    "train_plain",
    "transitions_of",
    "value_iteration",
]
