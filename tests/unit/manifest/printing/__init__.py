"""Tests of how findings are printed."""
