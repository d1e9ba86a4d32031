"""Tests of the room that makes jobs of text."""
