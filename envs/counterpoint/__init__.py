"""First-species counterpoint above a cantus firmus, with its exact optimum."""
