"""The documentation is tried: its examples run, its links lead somewhere, what it repeats from the code is so."""
