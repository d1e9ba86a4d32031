"""Video by any model as gateways serve it: the unified form, and OpenAI's.

Source: api-facts.md section 3 (read 2026-11-20). Errors are those of `runner.sandbox.gateway`.
"""
