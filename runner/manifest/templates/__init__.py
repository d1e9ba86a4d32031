"""Templates: Jinja2 in a sandbox, and what they can see."""
