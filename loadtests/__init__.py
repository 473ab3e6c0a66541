"""Load suites: Locust personas that speak HTTP only."""
