"""Measurements of the product against a bare client, in one run: `make bench`."""
