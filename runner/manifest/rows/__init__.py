"""Rows of CSV, JSONL and inline lists, streamed, and the places of their fields."""
