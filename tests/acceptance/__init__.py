"""What must hold, seen through the command line alone."""
