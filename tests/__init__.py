"""Everything that must hold, from a function alone to the whole product in its own process."""
