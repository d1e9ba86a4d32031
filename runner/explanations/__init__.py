"""What every stable code means, why it exists and what to do about it: one Markdown page for each."""
