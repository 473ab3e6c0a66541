"""Tubes, what was taken from each person, custody, and the label ranges tubes come from."""
