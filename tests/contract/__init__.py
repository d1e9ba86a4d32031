"""What every implementation of a contract between rooms has to keep."""
