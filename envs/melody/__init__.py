"""RL Tuner's task: a melody of 32 sixteenths, token by token."""
