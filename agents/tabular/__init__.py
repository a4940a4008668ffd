"""Tabular agents: Q-learning, and the exact solution to measure it by."""

from __future__ import annotations

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
    "GreedyPolicy",
    "QLearningConfig",
    "QTable",
    "Solution",
    "is_forward",
    "policy_evaluation",
    "rollout_return",
    "train_compiled",
    "train_plain",
    "value_iteration",
]
