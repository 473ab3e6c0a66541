"""Health declarations: the public form, its look-up code, versions, and counted look-ups."""
