"""What tests of several folders share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakeapi.server import FakeServer
from tests.stage import SECRET, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def make_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes the test's stage, with an open server unless `is_open=False`; after the test its ledgers are audited."""
    with ExitStack() as stack:

        def make(*, is_open: bool = True, **options: Any) -> Stage:
            server = stack.enter_context(FakeServer(SECRET))
            if is_open:
                server.open()
            stage = Stage(server, tmp_path, **options)
            stack.callback(stage.audit)
            return stage

        yield make


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """Four jobs, five at a time, a server that takes everything."""
    return make_stage()
