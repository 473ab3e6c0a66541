"""Laboratory results: recorded by one person, released by another, never changed after."""
