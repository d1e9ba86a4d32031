"""Opening manifests: accounts with their defaults, overrides, streaming."""

from __future__ import annotations

import gc
import tracemalloc
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.core.collected import MOST_KEPT
from runner.core.diagnostics import Severity
from runner.core.money import Budget, Money, Price
from runner.core.spec import CredentialRef, Limits, PollBounds, Timeouts
from runner.manifest.campaign import ManifestCampaign, open_campaign
from runner.manifest.validate import check
from tests.unit.manifest.manifests import ADDRESSES, DEFAULTS, HEAD, findings, jobs, opened, written

if TYPE_CHECKING:
    from runner.core.spec import Campaign

ONE = f"jobs:\n  a:\n    uses: digital-human/avatar\n    with: {ADDRESSES}\n"
ROWS = (
    'jobs:\n  a:\n    uses: digital-human/avatar\n    foreach: {csv: rows.csv, key: "{{ row.id }}"}\n'
    "    with: {avatar_url: https://cdn.example.com/a.png, audio_url: 'https://cdn.example.com/{{ row.id }}.mp3'}\n"
)


def test_campaign_keeps_the_contract(tmp_path: Path) -> None:
    """A campaign has what core asks of it: name, absolute folders, digest, the path as typed."""
    path = written(tmp_path, HEAD + ONE)
    campaign: Campaign = opened(path, display="shown.yaml")
    assert (campaign.name, campaign.path, campaign.folder) == ("spring", "shown.yaml", str(tmp_path))
    assert campaign.output_dir == str(tmp_path / "outputs" / "spring")
    assert (len(campaign.sha256), campaign.budget) == (64, None)
    assert opened(written(tmp_path, f"{HEAD}output: {{dir: films}}\n{ONE}")).output_dir == str(tmp_path / "films")


def test_implied_account(tmp_path: Path) -> None:
    """An account that the manifest does not mention has its provider's defaults, and stands for itself."""
    account = opened(written(tmp_path, HEAD + ONE)).accounts["digital-human"]
    assert (account.type, account.base_url) == ("digital-human", "https://api.gpt.ge")
    assert account.credential == CredentialRef(env="DIGITAL_HUMAN_TOKEN")
    assert (account.limits, account.poll, account.timeouts) == (Limits(in_flight=8), PollBounds(), Timeouts())


def test_written_account(tmp_path: Path) -> None:
    """What the manifest says holds, what it does not say stays the default, prices are exact."""
    manifest = (
        f"{HEAD}providers:\n  east:\n    type: digital-human\n    base_url: http://127.0.0.1:1/x/\n"
        "    credential: {access_key: {env: A}, secret_key: {file: b}}\n    limits: {submits_per_minute: 0.5}\n"
        "    poll: {min_s: 0.1, max_s: 0.2}\n    timeouts: {lookup_s: [0.1, 1]}\n    download_origins: [http://10.0.0.7:9000]\n"
        'budget: {max: "25.10", currency: USD, per: day}\nprices: {east/avatar: {per_job: "0.10", per_second: "0.056"}}\n'
        f"{ONE.replace('digital-human/', 'east/')}"
    )
    campaign = opened(written(tmp_path, manifest))
    assert list(campaign.accounts) == ["east"], "only accounts that jobs use"
    account = campaign.accounts["east"]
    assert account.base_url == "http://127.0.0.1:1/x"
    assert account.credential == CredentialRef(access_key=CredentialRef(env="A"), secret_key=CredentialRef(file="b"))
    assert account.limits == Limits(in_flight=8, submits_per_minute=0.5)
    assert account.poll == PollBounds(min_s=0.1, max_s=0.2)
    assert account.timeouts == Timeouts(lookup_s=(0.1, 1))
    assert account.download_origins == ("http://10.0.0.7:9000",)
    assert account.prices == {"avatar": Price(per_job=Decimal("0.10"), per_second=Decimal("0.056"))}
    assert account.source.line == 4
    assert campaign.budget == Budget(Money(Decimal("25.10"), "USD"), per_day=True)


def test_override(tmp_path: Path) -> None:
    """`-V` replaces a var by a value of its kind, and is kept for the record as typed; an unknown name is a finding."""
    template = '"https://cdn.example.com/{{ vars.take }}.mp3"'
    manifest = f"{HEAD}vars: {{take: 1}}\n{ONE.replace('https://cdn.example.com/a.mp3', template)}"
    path = written(tmp_path, manifest)
    assert jobs(path)[0].inputs["audio_url"] == "https://cdn.example.com/1.mp3"
    assert jobs(path, overrides={"take": "0x10"})[0].inputs["audio_url"] == "https://cdn.example.com/16.mp3"
    assert opened(path, overrides={"take": "0x10"}).overrides == {"take": "0x10"}
    (finding,) = findings(path, overrides={"tkae": "2"})
    assert (finding.code, finding.hint) == ("M130", "did you mean `take`?")


def test_two_passes_are_equal(tmp_path: Path) -> None:
    """Every pass over the same files gives the same jobs, in manifest order."""
    campaign = opened(written(tmp_path, HEAD + ROWS, rows_csv="id\n" + "".join(f"{n}\n" for n in range(50))))
    first, second = (list(campaign.jobs(lambda _: None)) for _ in range(2))
    assert first == second
    assert [spec.id for spec in first] == [f"a/{n}" for n in range(50)]


def test_rows_are_streamed(tmp_path: Path) -> None:
    """Rows are read as jobs are taken: what a row holds is gone with it, only keys and paths are kept."""
    note = "x" * 2000
    path = written(tmp_path, HEAD + ROWS, rows_csv="id,note\n" + "".join(f"{n},{note}\n" for n in range(5000)))
    stream = opened(path).jobs(lambda _: None)
    next(stream)
    gc.collect()
    tracemalloc.start()
    assert sum(1 for _ in islice(stream, 4900)) == 4900
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 4900 * 600, "bytes for each job: its key, its folded path, two entries"


def test_findings_are_capped(tmp_path: Path) -> None:
    """More findings than anybody reads are counted, not kept."""
    path = written(tmp_path, HEAD + ROWS, rows_csv="id\n" + ".bad\n" * (MOST_KEPT + 7))
    found = check(opened(path))
    assert (len(found.diagnostics), found.not_kept_of(str(tmp_path / "rows.csv"))) == (MOST_KEPT, 7)
    assert (found.count(Severity.ERROR), found.jobs_read, found.is_valid) == (MOST_KEPT + 7, MOST_KEPT + 7, False)


def test_unreadable_manifest(tmp_path: Path) -> None:
    """A manifest that is not there is a finding, not an exception."""
    (finding,) = findings(tmp_path / "none.yaml")
    assert finding.code == "M001"


SCRAPS: list[Any] = [
    "null",
    "[]",
    "{}",
    "-1",
    "true",
    "''",
    "1e308",
    "[1, {a: 2}]",
    '"{{ row }}"',
    '"{{ jobs }}"',
    '"{{ vars.items() }}"',
    '"\\uE000"',
]
QUICKSTART = (Path(__file__).parents[3] / "manifests" / "quickstart.yaml").read_text(encoding="utf-8")
BROKEN = (Path(__file__).parents[2] / "examples" / "invalid" / "references" / "manifest.yaml").read_text(
    encoding="utf-8"
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([QUICKSTART, BROKEN]), st.data())
def test_never_raises(tmp_path: Path, text: str, data: st.DataObject) -> None:
    """Whatever stands in a manifest, the answer is a campaign or findings, and no job is left out in silence."""
    words = text.split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(words) - 1))
        words[position] = data.draw(st.sampled_from([*SCRAPS, words[data.draw(st.integers(0, len(words) - 1))]]))
    path = written(tmp_path, " ".join(words), customers_csv="customer_id,first_name,region\n1,Ann,eu\n")
    campaign = open_campaign(path, defaults=DEFAULTS)
    if not isinstance(campaign, ManifestCampaign):
        assert not campaign.is_valid
    else:
        result = check(campaign)
        made = sum(1 for _ in campaign.jobs(lambda _: None))
        assert result.is_valid == (made == result.jobs_read)


@pytest.mark.parametrize("constant", [True, False])
def test_said_once_or_for_each_row(tmp_path: Path, constant: bool) -> None:
    """A finding that no row causes is said once; one that rows cause is said for each."""
    address = "nonsense" if constant else "{{ row.id }}"
    text = HEAD + ROWS.replace("https://cdn.example.com/a.png", f'"{address}"')
    assert len(findings(written(tmp_path, text, rows_csv="id\n1\n2\n3\n"))) == (1 if constant else 3)
