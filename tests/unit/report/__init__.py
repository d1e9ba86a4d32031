"""Tests of the room that tells people and programs what has become of jobs."""
