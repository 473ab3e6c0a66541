"""The Locust suites on a whole installation of their own."""
