"""Tests of the commands, typed as users type them."""
