"""Bad media never reaches an API: forty files that look right by name, through the real command line, and good ones of every format."""

from __future__ import annotations

import json
import threading
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.commandline import CommandLine
from tests.contents import picture, png_that_claims, recording, silence, video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


class Bad(NamedTuple):
    """A file that an avatar cannot be made of.

    Args:
        name: What it is called.
        content: Gives its bytes.
        code: Of the finding.
        says: What the finding must say beside the name: the found value, and the limit where there is one.
    """

    name: str
    content: Callable[[], bytes]
    code: str
    says: tuple[str, ...]


PICTURES = ("`image` takes PNG or JPEG",)
SOUNDS = ("`sound_file` takes MP3, WAV, M4A or AAC",)


def mp3() -> bytes:
    """A recording of 2.5 s that says how long it is."""
    return recording("mp3", "libmp3lame")


def bomb() -> bytes:
    """64 kilobytes that unpack to 64 megabytes."""
    return zlib.compress(bytes(64 * 2**20), 9)


BAD = (
    # What is no picture, or none that the API takes.
    Bad("empty.png", lambda: b"", "M701", ("is empty", *PICTURES)),
    Bad("text.png", lambda: b"Hello, I am Anna.\n", "M701", ("is text", *PICTURES)),
    Bad("utf16.png", lambda: "Grüße".encode("utf-16"), "M701", ("is text", *PICTURES)),
    Bad("page.jpg", lambda: b"<!DOCTYPE html><title>404</title>", "M701", ("is a web page", *PICTURES)),
    Bad("error.png", lambda: b'{"error": {"message": "no such image"}}', "M701", ("is text", *PICTURES)),
    Bad("animation.png", lambda: picture("GIF"), "M701", ("is a GIF picture", *PICTURES)),
    Bad("web.jpg", lambda: picture("WEBP"), "M701", ("is a WebP picture", *PICTURES)),
    Bad("bitmap.png", lambda: picture("BMP"), "M701", ("is a BMP picture", *PICTURES)),
    Bad("scan.jpg", lambda: picture("TIFF"), "M701", ("is a TIFF picture", *PICTURES)),
    Bad(
        "phone.jpg", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "M701", ("is a HEIC picture", *PICTURES)
    ),
    Bad("next.jpg", lambda: picture("AVIF"), "M701", ("is an AVIF picture", *PICTURES)),
    Bad("paper.png", lambda: b"%PDF-1.7\n" + bytes(64), "M701", ("is a PDF document", *PICTURES)),
    Bad("archive.png", lambda: b"PK\x03\x04" + bytes(64), "M701", ("is a ZIP archive", *PICTURES)),
    Bad("zeros.png", lambda: bytes(4096), "M701", ("is of no known format", *PICTURES)),
    Bad("song.png", mp3, "M701", ("is an MP3 recording", *PICTURES)),
    Bad("clip.png", video, "M701", ("is an MP4 video", *PICTURES)),
    # Pictures that the API does not take.
    Bad("heavy.png", lambda: picture() + bytes(10_000_000), "M702", ("holds 10,000,960 bytes", "at most 10,000,000")),
    Bad("narrow.png", lambda: picture(width=299), "M703", ("shows 299 x 300 pixels", "at least 300 on each side")),
    Bad("flat.jpg", lambda: picture("JPEG", 400, 299), "M703", ("shows 400 x 299 pixels", "at least 300 on each side")),
    Bad("wide.png", lambda: picture(width=751), "M703", ("751 x 300 pixels, a ratio of 2.503", "0.4 to 2.5")),
    Bad("high.jpg", lambda: picture("JPEG", 300, 760), "M703", ("300 x 760 pixels, a ratio of 0.395", "0.4 to 2.5")),
    Bad(
        "turned.jpg", lambda: picture("JPEG", 760, 300, orientation=6), "M703", ("shows 300 x 760 pixels", "0.4 to 2.5")
    ),
    Bad(
        "claim.png",
        lambda: png_that_claims(60_000, 60_000),
        "M705",
        ("unpacks to 3600 megapixels", "no API takes more than 178"),
    ),
    Bad("short.png", lambda: png_that_claims(500, 500), "M705", ("cannot be decoded",)),
    Bad("label.png", lambda: png_that_claims(500, 500, (b"zTXt", b"a\0\0" + bomb())), "M705", ("has no header",)),
    Bad("profile.png", lambda: png_that_claims(500, 500, (b"iCCP", b"a\0\0" + bomb())), "M705", ("has no header",)),
    Bad("head.png", lambda: picture()[:20], "M705", ("has no header that can be read",)),
    Bad("half.png", lambda: picture()[: len(picture()) // 2], "M705", ("cannot be decoded: image file is truncated",)),
    Bad(
        "half.jpg",
        lambda: picture("JPEG")[: len(picture("JPEG")) // 2],
        "M705",
        ("cannot be decoded: image file is truncated",),
    ),
    Bad("almost.jpg", lambda: picture("JPEG")[:-2], "M705", ("cannot be decoded: image file is truncated",)),
    # What is no recording, or none that the API takes.
    Bad("mute.mp3", lambda: video(has_sound=False), "M701", ("is an MP4 video", *SOUNDS)),
    Bad("clip.m4a", video, "M701", ("is an MP4 video", *SOUNDS)),
    Bad("hum.mp3", lambda: recording("ogg", "libopus"), "M701", ("is an Ogg recording", *SOUNDS)),
    Bad("hum.wav", lambda: recording("flac", "flac"), "M701", ("is a FLAC recording", *SOUNDS)),
    Bad("face.mp3", lambda: picture("JPEG"), "M701", ("is a JPEG picture", *SOUNDS)),
    Bad("long.wav", lambda: silence(301), "M704", ("lasts 301 s", "2 to 300 s")),
    Bad("brief.wav", lambda: silence(1.9), "M704", ("lasts 1.9 s", "2 to 300 s")),
    Bad("brief.aac", lambda: recording("adts", "aac", 1.5), "M704", ("lasts 1.6", "2 to 300 s")),
    Bad(
        "brief.mp3",
        lambda: recording("mp3", "libmp3lame", 1.5, has_header=False),
        "M704",
        ("lasts 1.584 s", "2 to 300 s"),
    ),
    Bad("heavy.wav", lambda: silence(160, rate=32_000), "M702", ("holds 5,120,044 bytes", "at most 5,000,000")),
    Bad("cut.wav", lambda: silence(2.5)[:-10_001], "M705", ("is cut off",)),
    Bad("cut.mp3", lambda: mp3()[: len(mp3()) // 2], "M705", ("ends after", "of 2.6 s")),
    Bad("cut.m4a", lambda: recording("ipod", "aac")[:-1000], "M705", ("is cut off",)),
    Bad("tag.mp3", lambda: b"ID3\4\0\0\0\0\0\x7f" + bytes(200), "M705", ("cannot be read",)),
    Bad("both.wav", lambda: b"RIFF\0\0\0\0WAVE" + mp3(), "M705", ("",)),
)


def good_files() -> dict[str, dict[str, bytes]]:
    """Files of every documented format by the input that takes them: at both ends of what is allowed, under right names and wrong ones."""
    png = picture()
    return {
        "image": {
            "picture.png": png,
            "picture.jpg": picture("JPEG"),
            "no-suffix": picture("JPEG", 750, 300),
            "lies.gif": picture(width=300, height=750),
            "turned.jpg": picture("JPEG", 300, 400, orientation=8),
            "followed-by-a-zip.png": png + b"PK\x03\x04" + bytes(100),
            "10-million-bytes.png": png.ljust(10_000_000, b"\0"),
        },
        "sound_file": {
            "sound.mp3": mp3(),
            "headless.mp3": recording("mp3", "libmp3lame", has_header=False),
            "sound.wav": recording(),
            "sound.m4a": recording("ipod", "aac"),
            "another-brand.mp4": recording("mp4", "aac"),
            "sound.aac": recording("adts", "aac"),
            "tagged.aac": b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + recording("adts", "aac"),
            "two-seconds.ogg": silence(2),
            "five-minutes.wav": silence(300),
        },
    }


@dataclass(slots=True)
class Api:
    """A server that counts what it is asked."""

    base_url: str
    requests: int = 0


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """A server on loopback that would take a submission."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.requests += 1
            self.send_error(400)

        do_GET = do_POST  # noqa: N815  the name that the base class looks for

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        seen = Api(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield seen
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, api: Api) -> Path:
    """A manifest with a job for each bad file, and one with a job for each good one."""
    folder = tmp_path_factory.mktemp("media")
    for name in ("work/bad", "work/image", "work/sound_file", "home", "logs"):
        (folder / name).mkdir(parents=True)
    good = good_files()
    for bad in BAD:
        (folder / "work" / "bad" / bad.name).write_bytes(bad.content())
    for kind, contents in good.items():
        for name, content in contents.items():
            (folder / "work" / kind / name).write_bytes(content)
    bad_jobs = {f"bad-{number}": job(number, bad) for number, bad in enumerate(BAD)}
    good_jobs = {
        f"{kind}-{number}": inputs(kind, f"{kind}/{name}")
        for kind, contents in good.items()
        for number, name in enumerate(contents)
    }
    write(folder / "work" / "bad.yaml", api, bad_jobs)
    write(folder / "work" / "good.yaml", api, good_jobs)
    return folder


@pytest.fixture(scope="module")
def callsheet(folder: Path) -> CommandLine:
    """The command line in that folder, with a key."""
    return CommandLine(folder / "work", folder / "home", folder / "logs", {"KLING_API_KEY": "k"})


@pytest.fixture(scope="module")
def findings(callsheet: CommandLine) -> dict[str, list[Any]]:
    """What `validate` finds, by job."""
    found = json.loads(callsheet("validate", "bad.yaml", "--format", "json").expect(4).stdout)["findings"]
    by_job: dict[str, list[Any]] = {}
    for finding in found:
        by_job.setdefault(finding["job"], []).append(finding)
    return by_job


def job(number: int, bad: Bad) -> dict[str, Any]:
    """A job that sends a bad file where one of its kind belongs."""
    names_picture = bad.name.endswith((".png", ".jpg"))
    return {**inputs("image" if names_picture else "sound_file", f"bad/{bad.name}"), "tags": [f"n{number}"]}


def inputs(kind: str, path: str) -> dict[str, Any]:
    """A job that sends a file in one input."""
    given: dict[str, Any] = {
        "image": "https://cdn.example.com/anna.png",
        "sound_file": "https://cdn.example.com/anna.mp3",
        kind: {"file": path},
    }
    return {"uses": "kling/avatar", "with": given}


def write(path: Path, api: Api, jobs: Mapping[str, Any]) -> None:
    """Write a manifest; JSON is YAML."""
    document = {"version": 1, "name": path.stem, "providers": {"kling": {"base_url": api.base_url}}, "jobs": jobs}
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def test_there_are_forty_and_more() -> None:
    """Forty bad files, each under a name of its own."""
    assert len({bad.name for bad in BAD}) == len(BAD) >= 40


@pytest.mark.parametrize(("number", "bad"), list(enumerate(BAD)), ids=[bad.name for bad in BAD])
def test_a_bad_file_is_refused(number: int, bad: Bad, findings: Mapping[str, list[Any]]) -> None:
    """One finding, at the place where the file is named, with its name, the found value and the limit."""
    (finding,) = findings[f"bad-{number}"]
    assert finding["code"] == bad.code, finding
    assert f"`bad/{bad.name}`" in finding["message"]
    for words in bad.says:
        assert words in finding["message"]
    assert finding["line"] > 1


@pytest.mark.parametrize("command", ["run", "plan"])
def test_nothing_is_sent(command: str, callsheet: CommandLine, api: Api) -> None:
    """A run and a plan end before the first request, with the findings."""
    finished = callsheet(command, "bad.yaml").expect(4)
    assert "M705" in finished.stderr
    assert api.requests == 0


def test_good_files_of_every_format_pass(callsheet: CommandLine) -> None:
    """Nothing is found about any of them."""
    callsheet("validate", "good.yaml").expect(0)
