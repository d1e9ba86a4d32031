"""Tests of the room that brings results home."""
