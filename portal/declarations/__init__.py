"""Health declarations: submitted by anyone, opened and updated by code and second factor."""
