"""Certificates: a snapshot of a released result, its paper, and whether it still holds."""
