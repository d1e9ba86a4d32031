"""The asyncio engine: what to do next, submissions, polls, deliveries, and how a run ends."""
