"""Drift as pictures: which licenses became which, and when."""
