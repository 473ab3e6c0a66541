"""People: who they are, by which ids, who may be the same, and merges that can be undone."""
