"""Looks into media files: measures, verifies, makes posters. Its functions block and belong in threads."""
