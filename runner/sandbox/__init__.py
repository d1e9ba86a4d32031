"""The remote APIs served on loopback: real HTTP, real small videos, faults on request, nothing to pay."""
