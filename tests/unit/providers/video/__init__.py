"""Tests of the provider `video`, beyond the contract that all providers hold."""
