"""The sampling and rapid-antigen work stations."""
