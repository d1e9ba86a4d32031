"""Tests of the APIs that are served on loopback."""
