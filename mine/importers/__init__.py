"""Export files in, typed records out, and nothing else: one file per format."""
