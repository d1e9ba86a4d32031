"""The provider `acme` for Callsheet. The entry point in `pyproject.toml` leads here."""

from callsheet_acme.provider import PROVIDER

__all__ = ["PROVIDER"]
