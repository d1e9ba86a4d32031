"""Files and addresses among the inputs of jobs: looked at once, held against limits, and asked how long the result will last."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import pytest

from runner.core.preflight import Content, InputLimits, NotFetched
from runner.manifest.validate import check
from runner.media.preflight import look
from tests.contents import picture, silence
from tests.unit.manifest.manifests import HEAD, findings, jobs, opened, written

if TYPE_CHECKING:
    from pathlib import Path

CDN = "https://cdn.example.com"
KLING = f"{HEAD}jobs:\n  a:\n    uses: kling/avatar\n    with: {{image: IMAGE, sound_file: SOUND}}\n"
ROWS = (
    f"{HEAD}jobs:\n  a:\n    uses: kling/avatar\n    foreach: {{csv: rows.csv, key: '{{{{ row.id }}}}'}}\n"
    "    with: {image: {file: '{{ row.face }}.png'}, audio_id: a-77}\n"
)


class CountingLook:
    """Looks closely, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, file: BinaryIO) -> Content:
        """What the file holds."""
        self.count += 1
        return look(file)


def kling(folder: Path, image: str = f"{CDN}/a.png", sound: str = f"{CDN}/a.mp3") -> Path:
    """A manifest with one avatar."""
    return written(folder, KLING.replace("IMAGE", image).replace("SOUND", sound))


def test_a_content_is_looked_at_once(tmp_path: Path) -> None:
    """Five hundred jobs, two files, one content: one look, for every pass over the manifest."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.png").write_bytes(picture())
    rows = "id,face\n" + "".join(f"{number},{'one' if number % 2 else 'two'}\n" for number in range(500))
    counting = CountingLook()
    campaign = opened(written(tmp_path, ROWS, rows_csv=rows), look=counting)
    for _ in range(2):
        found = check(campaign)
        assert (found.jobs_read, found.diagnostics) == (500, ())
    assert counting.count == 1


def test_a_bad_content_is_looked_at_once_and_found_in_every_row(tmp_path: Path) -> None:
    """Each row that names it has the finding, at its own line."""
    (tmp_path / "one.png").write_bytes(b"text")
    rows = "id,face\n" + "".join(f"{number},one\n" for number in range(30))
    counting = CountingLook()
    found = findings(written(tmp_path, ROWS, rows_csv=rows), look=counting)
    assert [it.span.line for it in found] == list(range(2, 32))
    assert counting.count == 1


def test_files_are_not_looked_at_unless_somebody_can(tmp_path: Path) -> None:
    """Without a look there is no finding and no length."""
    (tmp_path / "a.wav").write_bytes(b"text")
    (spec,) = jobs(kling(tmp_path, sound="{file: a.wav}"))
    assert spec.duration_s is None


@pytest.mark.parametrize(
    ("with_", "expected"),
    [
        ("{image: https://c.example.com/a.png, sound_file: {file: a.wav}}", 2.5),
        ("{image: https://c.example.com/a.png, sound_file: https://c.example.com/a.mp3}", None),
        ("{image: https://c.example.com/a.png, audio_id: a-77}", None),
        ("{image: https://c.example.com/a.png, audio_id: '12'}", None),
    ],
)
def test_the_recording_says_how_long_the_result_lasts(with_: str, expected: float | None, tmp_path: Path) -> None:
    """A local recording is measured; of an address or a name nothing is known yet."""
    (tmp_path / "a.wav").write_bytes(silence(2.5))
    (spec,) = jobs(written(tmp_path, f"{HEAD}jobs:\n  a:\n    uses: kling/avatar\n    with: {with_}\n"), look=look)
    assert spec.duration_s == expected


@pytest.mark.parametrize(("with_", "expected"), [("duration: 10", 10.0), ("seconds: '8'", 8.0), ("size: large", None)])
def test_what_is_asked_for_says_how_long_the_result_lasts(with_: str, expected: float | None, tmp_path: Path) -> None:
    """A number of seconds counts, also where the API wants it as text."""
    style = ", style: openai" if "seconds" in with_ else ""
    text = (
        f"{HEAD}providers: {{video: {{base_url: https://gateway.example.com{style}}}}}\njobs:\n"
        f"  a: {{uses: video/generate, with: {{model: m, prompt: p, {with_}}}}}\n"
    )
    (spec,) = jobs(written(tmp_path, text))
    assert spec.duration_s == expected


def test_an_address_that_was_asked_says_how_long_the_result_lasts(tmp_path: Path) -> None:
    """What `--check-urls` has found counts for estimates."""
    campaign = opened(kling(tmp_path))
    sound = Content(size_bytes=9, format="mp3", media="audio", duration_s=31.5, has_audio=True)
    campaign.take_fetched({f"{CDN}/a.mp3": sound})
    (spec,) = campaign.jobs(lambda _: None)
    assert spec.duration_s == 31.5


def test_addresses_that_are_asked(tmp_path: Path) -> None:
    """Each once, with all limits that it has to keep; neither those to call back, nor outputs of other jobs, nor texts."""
    text = (
        f"{HEAD}jobs:\n"
        f"  a: {{uses: kling/avatar, with: {{image: {CDN}/a.png, audio_id: a-77, callback_url: {CDN}/hook, prompt: {CDN}/x}}}}\n"
        f"  b: {{uses: digital-human/avatar, with: {{avatar_url: {CDN}/a.png, audio_url: {CDN}/a.mp3}}}}\n"
        f"  c: {{uses: digital-human/avatar, with: {{avatar_url: \"{{{{ jobs['b'].outputs.video_url }}}}\", audio_url: {CDN}/a.mp3}}}}\n"
        f"  d: {{uses: video/generate, with: {{model: m, prompt: p, images: [{CDN}/1.png, {CDN}/2.png]}}}}\n"
    )
    found = opened(written(tmp_path, text)).addresses()
    assert list(found) == [f"{CDN}/{name}" for name in ("a.png", "a.mp3", "1.png", "2.png")]
    assert [limits.media for limits in found[f"{CDN}/a.png"].limits] == [("image",), ("image", "video")]
    assert found[f"{CDN}/a.png"].accounts == ["kling", "digital-human"]


def test_what_an_address_gave_is_held_against_the_limits(tmp_path: Path) -> None:
    """The finding stands where the address is written, and names it without its query."""
    campaign = opened(kling(tmp_path, f"{CDN}/a.png?token=SECRET", f"{CDN}/a.mp3"))
    small = Content(size_bytes=9, format="png", media="image", width=20, height=20)
    campaign.take_fetched({f"{CDN}/a.png?token=SECRET": small, f"{CDN}/a.mp3": NotFetched("answers HTTP 404")})
    found = check(campaign).diagnostics
    assert [(str(it.code), it.message) for it in found] == [
        ("M703", f"`{CDN}/a.png` shows 20 x 20 pixels; `image` takes at least 300 on each side"),
        ("M707", f"`{CDN}/a.mp3` answers HTTP 404"),
    ]
    assert {it.span.line for it in found} == {6}


@pytest.mark.parametrize(("characters", "is_taken"), [(2500, True), (2501, True), (2502, False)])
def test_an_account_may_take_longer_texts(characters: int, is_taken: bool, tmp_path: Path) -> None:
    """`max_chars` replaces the operation's own bound, upwards too."""
    text = (
        f"{HEAD}providers: {{kling: {{accepts: {{avatar: {{prompt: {{max_chars: 2501}}}}}}}}}}\njobs:\n"
        f"  a: {{uses: kling/avatar, with: {{image: {CDN}/a.png, audio_id: a-77, prompt: {'x' * characters}}}}}\n"
    )
    assert bool(findings(written(tmp_path, text))) is not is_taken


@pytest.mark.parametrize(
    ("with_", "message", "note"),
    [
        (
            f"{{image: {CDN}/a.png, audio_id: a-77, prompt: {'x' * 2501}}}",
            "`prompt` has 2,501 characters; it takes at most 2,500",
            "if this account's host has other limits, say so: `providers: {kling: {accepts: {avatar: {prompt: {max_chars: …}}}}}`",
        ),
        (
            "{image: {file: a.wav}, audio_id: a-77}",
            "`a.wav` is a WAV recording; `image` takes PNG or JPEG",
            None,
        ),
        (
            "{image: {file: a.gif}, audio_id: a-77}",
            "`a.gif` is a GIF picture; `image` takes PNG or JPEG",
            "if this account's host has other limits, say so: `providers: {kling: {accepts: {avatar: {image: {formats: …}}}}}`",
        ),
    ],
)
def test_a_finding_says_what_can_be_done(with_: str, message: str, note: str | None, tmp_path: Path) -> None:
    """The found value, the input, the limit; and the key that changes it, where one does."""
    (tmp_path / "a.wav").write_bytes(silence(2.5))
    (tmp_path / "a.gif").write_bytes(picture("GIF"))
    path = written(tmp_path, f"{HEAD}jobs:\n  a: {{uses: kling/avatar, with: {with_}}}\n")
    (finding,) = findings(path, look=look)
    assert (finding.message, finding.notes) == (message, () if note is None else (note,))


@pytest.mark.parametrize(
    ("uses", "with_", "name"),
    [
        ("digital-human/avatar", "{avatar_url: {file: a.png}, audio_url: https://c.example.com/a.mp3}", "avatar_url"),
        ("video/generate", "{model: m, prompt: p, images: [{file: a.png}]}", "images"),
    ],
)
def test_an_input_that_takes_only_addresses_says_so(uses: str, with_: str, name: str, tmp_path: Path) -> None:
    """Whoever writes a local file there is told who fetches it."""
    head = f"{HEAD}providers: {{video: {{base_url: https://gateway.example.com}}}}\n"
    (finding,) = findings(written(tmp_path, f"{head}jobs:\n  a: {{uses: {uses}, with: {with_}}}\n"))
    assert finding.message == f"`{name}` takes no local file: the provider fetches it itself, from a public address"
    assert finding.hint == "upload it somewhere, and write its `https://` address here"


def test_accounts_carry_what_they_accept(tmp_path: Path) -> None:
    """The engine reads the same limits from the account."""
    text = f"{HEAD}providers: {{kling: {{accepts: {{avatar: {{image: {{max_bytes: 7}}}}}}}}}}\njobs:\n"
    path = written(tmp_path, f"{text}  a: {{uses: kling/avatar, with: {{image: {CDN}/a.png, audio_id: a-77}}}}\n")
    campaign = opened(path)
    assert campaign.accounts["kling"].accepts == {"avatar": {"image": {"max_bytes": 7}}}
    (use,) = campaign.addresses().values()
    assert use.limits == [
        InputLimits(
            media=("image",), formats=("png", "jpeg"), max_bytes=7, min_side_px=300, min_ratio=0.4, max_ratio=2.5
        )
    ]
