"""Forms are what a server that knows nothing of us reads, and the same bytes each time."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from aiohttp import BodyPartReader, web
from PIL import Image

from runner.core.answers import Reply, Request
from runner.core.diagnostics import Span
from runner.core.spec import Account, CredentialRef, Limits, PollBounds, Timeouts
from runner.providers.http import HttpWire
from runner.providers.signing import PlainKey
from runner.providers.video.multipart import FilePart, form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Field = tuple[str, str | None, str | None, bytes]


class Forms:
    """A server that reads forms with aiohttp's own reader.

    Args:
        origin: Where it is.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.fields: list[Field] = []

    async def read(self, request: web.Request) -> web.Response:
        """Take a form: name, file name, type and bytes of each field."""
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            content_type = part.headers.get("Content-Type")
            self.fields.append((str(part.name), part.filename, content_type, bytes(await part.read())))
        return web.Response()


@pytest.fixture
async def forms() -> AsyncIterator[Forms]:
    """The server, on loopback."""
    server = Forms("")
    app = web.Application()
    app.router.add_post("/v1/videos", server.read)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


def picture(kind: str) -> bytes:
    """A real picture."""
    file = BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 30)).save(file, kind)
    return file.getvalue()


async def send(forms: Forms, content_type: str, body: bytes) -> None:
    """Send a form through the real wire."""
    account = Account(
        name="gateway",
        type="video",
        base_url=forms.origin,
        credential=CredentialRef(env="NO_SUCH_NAME"),
        limits=Limits(in_flight=1),
        poll=PollBounds(),
        timeouts=Timeouts(submit_s=5.0),
        source=Span("spring.yaml", 1, 1),
    )
    wire = HttpWire(account, signer=PlainKey("secret"))
    reply = await wire.post(Request("POST", "/v1/videos", body, content_type))
    await wire.close()
    assert isinstance(reply, Reply)
    assert reply.status == 200


async def test_a_server_reads_what_was_meant(forms: Forms) -> None:
    """Text, truth, numbers, lists and a file arrive as fields of their names, in order."""
    content = picture("PNG") + b"\r\n--callsheet-not-the-boundary\r\n"
    made = {
        "model": "sora-2",
        "prompt": '你好 "boat"\r\nin the rain',
        "watermark": False,
        "duration": 10,
        "images": ["a"],
    }
    await send(forms, *form({**made, "input_reference": FilePart("input_reference", content)}))
    assert forms.fields == [
        ("model", None, None, b"sora-2"),
        ("prompt", None, None, '你好 "boat"\r\nin the rain'.encode()),
        ("watermark", None, None, b"false"),
        ("duration", None, None, b"10"),
        ("images", None, None, b'["a"]'),
        ("input_reference", "input_reference.png", "image/png", content),
    ]


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (picture("PNG"), "r.png", "image/png"),
        (picture("JPEG"), "r.jpeg", "image/jpeg"),
        (picture("WEBP"), "r.webp", "image/webp"),
        (picture("GIF"), "r.gif", "image/gif"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "r", "application/octet-stream"),
        (b"", "r", "application/octet-stream"),
    ],
    ids=["png", "jpeg", "webp", "gif", "a sound", "nothing"],
)
async def test_a_file_is_called_what_it_is(forms: Forms, content: bytes, name: str, media_type: str) -> None:
    """Type and name come from the bytes: what the file is called on the user's disk does not count."""
    await send(forms, *form({"input_reference": FilePart("r", content)}))
    assert forms.fields == [("input_reference", name, media_type, content)]


async def test_names_cannot_end_a_header(forms: Forms) -> None:
    """A field's name with quotes and line breaks stays one name; browsers write them so, and servers know it."""
    await send(forms, *form({'a"; filename="x\r\nB: c': "v"}))
    assert forms.fields == [("a%22; filename=%22x%0D%0AB: c", None, None, b"v")]


def test_the_same_form_has_the_same_bytes() -> None:
    """The boundary is made from the parts: equal forms are equal, and another byte makes another boundary."""
    one, same, other = (form({"p": "boat", "f": FilePart("f", content)}) for content in (b"x", b"x", b"y"))
    assert one == same
    assert one[0] != other[0]
