"""Tests of the providers and their wire, beyond the contract that all providers hold."""
