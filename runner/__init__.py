"""Callsheet: a declarative batch runner for generated video that never loses a paid result and never pays twice."""

__version__ = "0.1.0"
