"""`segue/Montage-v0`: cutting shots to the beats of a tune."""
