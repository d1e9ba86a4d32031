"""Tests of the room that keeps the state, over real SQLite files."""
