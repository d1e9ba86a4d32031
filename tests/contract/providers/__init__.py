"""One suite over every provider, with the replies that are recorded for each."""
