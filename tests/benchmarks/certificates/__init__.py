"""Certificates by volume, beside the tools a user would pick instead."""
