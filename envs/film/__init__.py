"""Film: media files and their analysis, edits and how they are rendered and exported."""
