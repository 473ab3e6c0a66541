"""Administrative units of Việt Nam through time.

63 provinces with districts before 1 July 2025, 34 without districts since.
"""
