"""Difficulties and ideas of staff (R19, R72): sent from any screen, answered by the focal point."""
