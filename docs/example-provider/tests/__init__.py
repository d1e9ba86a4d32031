"""Tests of the provider `acme`."""
