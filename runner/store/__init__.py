"""The state of a manifest on disk: jobs, their history, the money, and a second witness of every submission."""
