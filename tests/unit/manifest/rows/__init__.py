"""Tests of the rows that jobs are made from: CSV, JSON Lines, inline."""
