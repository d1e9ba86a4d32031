"""Tests of the pure part: life of a job, decisions, money, limits."""
