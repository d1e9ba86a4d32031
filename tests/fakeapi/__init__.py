"""Adversarial APIs (digital human, Kling, unified video) and a CDN on loopback, with a ledger of all that happened.

Written from the API's documents alone and sharing no line with the product, so that a mistake in the one is not a mistake in the
other. It runs in a thread of the test's process: the ledger can be read while the product, a process of its own, is at work.
"""
