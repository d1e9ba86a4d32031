"""Tests of the manifest schema: the check, the view for editors, the reference."""
