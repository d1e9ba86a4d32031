"""From a document to accounts and compiled blocks, collecting everything that is wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from runner.core.diagnostics import Label
from runner.core.ports import ProviderDefaults, UnusableProvider
from runner.core.references import CLOSE, OPEN
from runner.core.renames import Renames
from runner.manifest.accounts import account, account_flaws, prices_by_account, unusable
from runner.manifest.block_reader import BlockReader
from runner.manifest.blocks import Block, makes_many, reserved_character, strings_in
from runner.manifest.chains import chains_of
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean, suggestion
from runner.manifest.graph import circle, cycles
from runner.manifest.input_rules import accepts_flaws
from runner.manifest.overrides import overridden
from runner.manifest.preflight import Preflight
from runner.manifest.renames import read_renames
from runner.manifest.schema.check import SchemaCheck
from runner.manifest.schema.explain import MOST_COMPLAINTS
from runner.manifest.schema.operations import OperationSchema, adapted_schema, operation_schema, refused_inputs
from runner.manifest.tags import tag_flaw
from runner.manifest.templates.jobs_scope import Jobs, JobShape
from runner.manifest.templates.sandbox import Vars
from runner.manifest.templates.template import is_template
from runner.schema_files import load_schema, operation_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.spec import Account
    from runner.manifest.accounts import ProviderTypes
    from runner.manifest.findings import Findings
    from runner.manifest.paths import FileRule
    from runner.manifest.preflight import Looks
    from runner.manifest.schema.explain import Complaint
    from runner.manifest.text.source import Document


@cache
def _manifest_check() -> SchemaCheck:
    return SchemaCheck(load_schema("manifest"), is_for_large=True)


@cache
def _unknown_operation() -> OperationSchema:
    """What stands for an operation that does not exist: the rest of its jobs can still be looked at."""
    return OperationSchema(name="unknown/unknown", check=SchemaCheck({}), outputs=(), samples={}, spoken=())


class Opening:
    """Reads the sections of one manifest. A section with an error in it counts as empty, so that the others can still be looked at.

    Args:
        document: The manifest.
        findings: Takes what is wrong.
        files: Which files may be read.
        overrides: Vars from the command line.
        defaults: By provider type.
        looks: What is known about the content of files and addresses.
    """

    def __init__(
        self,
        document: Document,
        findings: Findings,
        *,
        files: FileRule,
        overrides: Mapping[str, str],
        defaults: ProviderTypes,
        looks: Looks,
    ) -> None:
        self._document = document
        self._findings = findings
        self._files = files
        self._overrides = overrides
        self._defaults = defaults
        self._looks = looks
        self._adapted: dict[str, OperationSchema] = {}
        self.accounts: dict[str, Account] = {}
        """Accounts that jobs use, by name."""
        self.blocks: dict[str, Block] = {}
        """Blocks by name, in manifest order, those that do not hold included."""
        self.renames = Renames()
        """What is written under `moved`."""

    def read(self) -> None:
        """Fill `accounts` and `blocks`; what is wrong goes to the findings."""
        complaints = _manifest_check().complaints(self._document.value)
        for complaint in complaints:
            self._findings.complaint(self._with_hint(complaint))
        if not isinstance(self._document.value, dict):
            return
        if len(complaints) >= MOST_COMPLAINTS:
            text = f"only the first {MOST_COMPLAINTS:,} things that are wrong were looked at"
            self._findings.flaw((), Flaw(Code.SCHEMA, text))
            return
        variables = self._variables()
        schemas = {name: self._operation(name, uses) for name, uses in self._uses_of_jobs().items()}
        self._check_providers()
        self._check_prices()
        self._check_output()
        moved = self._document.value.get("moved", [])
        if isinstance(moved, list) and not self._findings.is_broken(("moved",)):
            self.renames = read_renames(moved, self._document, self._findings)
        if variables is not None:
            self._read_blocks(variables, schemas)

    def _with_hint(self, complaint: Complaint) -> Complaint:
        """Says to whom gives an id under `needs` what belongs there."""
        match complaint.at:
            case ("jobs", str(job), "needs", int(number)) if complaint.code is Code.WRONG_FORM:
                name, slash, _ = self._document.value["jobs"][job]["needs"][number].partition("/")
                return replace(complaint, hint=f"`needs` takes names of jobs: `{name}`") if slash else complaint
            case _:
                return complaint

    def _section(self, name: str) -> dict[str, Any]:
        """A section's entries that have no error in them."""
        section = self._document.value.get(name, {})
        if not isinstance(section, dict):
            return {}
        return {key: value for key, value in section.items() if not self._findings.is_broken((name, key))}

    def _job_defaults(self) -> dict[str, Any]:
        """`defaults`, apart from what does not hold."""
        defaults = self._section("defaults")
        for number, tag in enumerate(defaults.get("tags", [])):
            if is_template(tag):
                flaw: Flaw | None = Flaw(Code.NO_TEMPLATE_HERE, "defaults hold values, not templates")
            else:
                flaw = tag_flaw(tag)
            if flaw is not None:
                self._findings.flaw(("defaults", "tags", number), flaw)
        return self._section("defaults")

    def _uses_of_jobs(self) -> dict[str, str]:
        """`uses` of the jobs that have one; what else is wrong with a job does not keep it from being looked at."""
        jobs = self._document.value.get("jobs")
        return {
            name: written["uses"]
            for name, written in (jobs.items() if isinstance(jobs, dict) else ())
            if isinstance(written, dict) and "uses" in written and not self._findings.is_broken(("jobs", name, "uses"))
        }

    def _variables(self) -> Vars | None:
        """`vars` with the overrides; None when it is not there under its right name, so that templates would only add noise."""
        value = self._document.value
        if not isinstance(value.get("vars", {}), dict) or ("vars" not in value and self._has_unknown_key()):
            return None
        variables = Vars(value.get("vars", {}))
        for pointer, text in strings_in(value.get("vars", {}), ("vars",)):
            if is_template(text):
                self._findings.flaw(pointer, Flaw(Code.NO_TEMPLATE_HERE, "vars hold values, not templates"))
            elif OPEN in text or CLOSE in text:
                self._findings.flaw(pointer, reserved_character())
        for name, text in self._overrides.items():
            if name not in variables:
                hint = suggestion(name, variables)
                self._findings.flaw(
                    ("vars",),
                    Flaw(Code.UNKNOWN_OVERRIDE, f"-V {name}: there is no such variable", hint=hint),
                    on_key=True,
                )
                continue
            try:
                variables[name] = overridden(name, variables[name], text)
            except Flaw as flaw:
                self._findings.flaw(("vars", name), flaw)
        return variables

    def _has_unknown_key(self) -> bool:
        known = load_schema("manifest")["properties"]
        return any(key not in known and not key.startswith("x-") for key in self._document.value)

    # --- accounts -----------------------------------------------------------------------------------------------------

    def _check_providers(self) -> None:
        for name, written in self._section("providers").items():
            for at, flaw in account_flaws(name, written, self._defaults):
                self._findings.flaw(("providers", name, *at), flaw)
            for at, flaw in accepts_flaws(written.get("type", name), written.get("accepts", {})):
                self._findings.flaw(("providers", name, "accepts", *at), flaw, on_key=True)

    def _account_type(self, name: str) -> str | None:
        """The provider type of an account; None when there is no such account, or it does not hold."""
        providers = self._document.value.get("providers", {})
        written = providers.get(name, {}) if isinstance(providers, dict) else {}
        kind = written.get("type", name) if isinstance(written, dict) else name
        return kind if isinstance(kind, str) and isinstance(self._defaults.get(kind), ProviderDefaults) else None

    def _is_configured(self, name: str) -> bool:
        providers = self._document.value.get("providers", {})
        return isinstance(providers, dict) and name in providers

    def _names_of_accounts(self) -> list[str]:
        providers = self._document.value.get("providers", {})
        return [*(providers if isinstance(providers, dict) else ()), *self._defaults]

    def _operation(self, job: str, uses: str) -> OperationSchema | None:
        schema = self._find_operation(uses, ("jobs", job, "uses"), job=job)
        name, _, operation = uses.partition("/")
        if schema is None:
            return None
        written = self._section("providers").get(name, {})
        accepts = written.get("accepts", {}).get(operation, {})
        refused = refused_inputs(schema.name, written.get("style"))
        if not accepts and not refused:
            return schema
        if uses not in self._adapted:
            self._adapted[uses] = adapted_schema(schema.name, accepts, refuses=refused)
        return self._adapted[uses]

    def _find_operation(
        self, uses: str, at: tuple[str, ...], *, job: str | None = None, on_key: bool = False
    ) -> OperationSchema | None:
        """The schema behind `<account>/<operation>`; None when there is none, and the findings say why."""
        name, _, operation = uses.partition("/")
        if not self._is_configured(name) and name not in self._defaults:
            notes = ("an account is named under `providers:`, or is a provider itself",)
            message = f"there is no account `{name}`"
            flaw = Flaw(Code.UNKNOWN_ACCOUNT, message, hint=suggestion(name, self._names_of_accounts()), notes=notes)
        elif (kind := self._account_type(name)) is None:
            if self._is_configured(name) or not isinstance(provider := self._defaults[name], UnusableProvider):
                return None  # said at the account
            flaw = unusable(name, provider)
        elif f"{kind}/{operation}" not in operation_names():
            there = [it.partition("/")[2] for it in operation_names() if it.partition("/")[0] == kind]
            hint = did_you_mean(operation, there) or f"it has {', '.join(there)}"
            flaw = Flaw(Code.UNKNOWN_OPERATION, f"`{kind}` has no operation `{operation}`", hint=hint)
        else:
            return operation_schema(f"{kind}/{operation}")
        self._findings.flaw(at, flaw, job=job, on_key=on_key)
        return None

    def _check_prices(self) -> None:
        for uses in self._section("prices"):
            self._find_operation(uses, ("prices", uses), on_key=True)

    def _check_output(self) -> None:
        """The output folder: below it the run writes and replaces files."""
        written = self._section("output").get("dir", "")
        if is_template(written):
            flaw: Flaw | None = Flaw(Code.NO_TEMPLATE_HERE, "the output folder is a path, not a template")
        else:
            flaw = self._files.folder_flaw(written)
        if flaw is not None:
            self._findings.flaw(("output", "dir"), flaw)

    def _use_account(self, uses: str) -> None:
        """Make the account of a job, unless it does not hold: its jobs are looked at all the same, to find what else is wrong."""
        name = uses.partition("/")[0]
        if self._findings.is_broken(("providers", name)):
            return
        if name not in self.accounts:
            written = self._section("providers").get(name, {})
            defaults = self._defaults[written.get("type", name)]
            assert isinstance(defaults, ProviderDefaults)  # it has an operation that was found
            self.accounts[name] = account(
                name,
                written,
                defaults,
                prices=prices_by_account(self._section("prices")).get(name, {}),
                source=self._document.key_span(("providers", name)),
            )

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _read_blocks(self, variables: Vars, schemas: Mapping[str, OperationSchema | None]) -> None:
        scope = {"vars": variables, "jobs": Jobs(self._shapes(schemas))}
        reader = BlockReader(self._document, self._findings, scope, self._files, self._job_defaults())
        for name, schema in schemas.items():
            block = self.blocks[name] = reader.read(name, schema or _unknown_operation())
            if schema is None:
                block.is_sound = False
            else:
                self._use_account(block.uses)
                block.preflight = Preflight(schema.rules, block.uses, self._looks)
                block.chains = chains_of(schema.name, self.accounts.get(block.uses.partition("/")[0]))
        for name in self._section(
            "providers"
        ):  # tasks of an earlier run may wait on an account that no job uses any more
            if self._account_type(name) is not None:
                self._use_account(name)
        self._refuse_cycles()

    def _shapes(self, schemas: Mapping[str, OperationSchema | None]) -> dict[str, JobShape]:
        shapes = {}
        jobs = self._document.value.get("jobs")
        for name, written in jobs.items() if isinstance(jobs, dict) else ():
            schema = schemas.get(name)
            is_many = isinstance(written, dict) and makes_many(written)
            shapes[name] = JobShape(is_many, schema.outputs if schema is not None else None)
        return shapes

    def _refuse_cycles(self) -> None:
        waits_for = {name: tuple(block.waits_for) for name, block in self.blocks.items()}
        for path in cycles(waits_for):
            flaw = circle(path)
            places = [
                Label(self._document.span(self.blocks[name].waits_for[needed]), f"`{name}` waits for `{needed}`")
                for name, needed in pairwise(path)
            ]
            self._findings.flaw(("jobs", path[0]), flaw, on_key=True, job=path[0], labels=places)
            for name in path:
                self.blocks[name].is_sound = False
