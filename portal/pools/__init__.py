"""Pools: the state a tube's result gives each person, findings that hold a release, retests."""
