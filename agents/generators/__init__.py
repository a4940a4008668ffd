"""Models that learn what melodies are like, and write some."""
