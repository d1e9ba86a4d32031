"""Video by any model behind the unified video API that many gateways serve, and behind its OpenAI style.

Documentation: the user's page (`GET /v1/video/query`) of https://ai.xunxkj.cn, whose host is `az.gptplus5.com`; the same template at
https://doc.aimanyi.top and https://docs.octopusx.ai; OpenAI's video guide at https://developers.openai.com. Read 2026-11-20 (`api-facts.md`
section 3). The API has no home of its own: gateways of the new-api family serve it, so its errors are those of `runner.providers.gateway`.

Credential: `Authorization: Bearer`; the user's page calls it optional, and it is needed. Limits are not documented. There is no id of our own, no list and
no cancel: a lost submission cannot be looked up. Results stay between an hour and 14 days, by gateway: they are fetched at once.

`unified` and `openai` are the two ways to speak to a gateway; `fields` is what both send, `replies` and `task` what both answer.
"""
