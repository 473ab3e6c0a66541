"""Lists as files, of any length, streamed."""
