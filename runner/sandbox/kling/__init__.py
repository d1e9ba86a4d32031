"""Kling as the documents describe it: talking avatars, spoken texts, voices.

Source: api-facts.md section 1 (read 2026-11-20). All keys belong to one account.
"""
