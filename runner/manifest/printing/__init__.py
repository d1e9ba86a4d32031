"""Findings for people and programmes."""
