"""Melodies from files: reading, normalising, de-duplicating, splitting."""
