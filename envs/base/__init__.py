"""What all environments share: the task contract, its three faces, seeding and errors."""
