"""From the text of a manifest to its jobs: reading YAML with places, validating, rendering, expanding, and showing what is wrong."""
