"""Kling AI, open platform: avatars, speech and voices of one's own.

Documentation: the user's page "Kling Avatar" and, by mirrors, the official pages "avatar", "text-to-speech", "voice-customization",
"authentication", "error-codes" and "concurrency-rules" of https://kling.ai/document-api, read 2026-11-20 (`api-facts.md` section 1). The same
paths stand behind the prefix of several resellers, so errors may also be those of `runner.providers.gateway`.

Credential: an API key as `Authorization: Bearer`, or an access key with its secret key, which sign a token for 30 minutes; keys of one region
do not work in the other. What is limited is the number of tasks in flight, queries aside, and the number depends on the account's
resource packs. Avatars and voices carry an id of our own and can be listed. Results are kept for 30 days; failed tasks are not charged.

One file is one operation (`avatar`, `tts`, `voice`); what they have in common stands beside them.
"""
