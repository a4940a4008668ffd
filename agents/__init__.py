"""Agents for any Gymnasium env: tabular ones and those of Stable-Baselines3."""
