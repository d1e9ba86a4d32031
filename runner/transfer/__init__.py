"""Brings results home: download to `.part`, verify, publish; never a bad file under a final name."""
