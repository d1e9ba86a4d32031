"""Tests of the room that looks into media files."""
