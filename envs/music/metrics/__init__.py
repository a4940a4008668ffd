"""Measures of melodies, by their published definitions."""
