"""Campaigns, their collection sessions, and the counters every dashboard reads."""
