"""`segue/Multicam-v0`: choose the camera over time."""
