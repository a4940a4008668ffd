"""`segue/Highlight-v0`: keep or skip shots under a length budget."""
