"""The linter for images: what an image holds is read in one pass, then judged by rules."""
