"""Frames in, documents out: certificates, slips, label sheets and reports."""
