"""The coordinator's page: figures from counters, never from a scan of the tables."""
