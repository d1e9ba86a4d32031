"""Tests of templates and of what they may see."""
