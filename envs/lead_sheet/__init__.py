"""`segue/LeadSheet-v0`: writing a melody over chords."""
