"""From the manifest's bytes to values, each with its place: YAML 1.2 from parser events."""
