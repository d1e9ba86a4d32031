"""Tests of reading YAML 1.2 with places."""
