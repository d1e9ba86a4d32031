"""Tests of single rooms, laid out as `runner/` is."""
