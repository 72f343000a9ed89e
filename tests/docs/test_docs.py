"""What is public is documented: every key, command, route, metric, key binding and connector field."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from healthdesk.config import Config, ConfigKey, config_keys, load_config

KEYS = tuple(config_keys())


@pytest.fixture(scope="session")
def page(repository: Path):
    """Read a page of the documentation."""

    def page(name: str) -> str:
        return (repository / "docs" / name).read_text(encoding="utf-8")

    return page


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its level or above."""
    level = len(heading.split(maxsplit=1)[0])
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(rf"\n#{{2,{level}}} ", rest)[0]


# configuration


def test_the_example_loads_and_holds_the_defaults(repository: Path) -> None:
    example = load_config(repository / "config.example.toml", {}, uid=0)
    empty = Config.model_validate(
        {
            "operator": {"socket": "/run/healthdesk/operator.sock"},
            "storage": {"data_dir": "/var/lib/healthdesk"},
            "security": {"key_file": "/etc/healthdesk/healthdesk.key"},
        }
    )
    assert example == empty


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.section}.{key.key}")
def test_every_config_key_is_in_the_example_and_on_the_page(key: ConfigKey, repository: Path, page) -> None:
    example = tomllib.loads((repository / "config.example.toml").read_text(encoding="utf-8"))
    assert key.key in example[key.section]
    assert f"| `{key.key}` |" in section(page("configuration.md"), f"## [{key.section}]")


def test_the_configuration_page_describes_no_key_that_is_gone(page) -> None:
    text = page("configuration.md")
    known = {(key.section, key.key) for key in KEYS}
    for name in re.findall(r"^## \[(\w+)\]$", text, re.MULTILINE):
        documented = re.findall(r"^\| `(\w+)` \|", section(text, f"## [{name}]"), re.MULTILINE)
        assert {(name, key) for key in documented} <= known
        assert documented


# commands


def test_every_command_is_on_the_page_and_no_other(page) -> None:
    from healthdesk.cli.command import every_command

    documented = set(
        re.findall(r"^\| `healthdesk ([a-z -]+?)(?: [A-Z…]+)?` \|", page("cli.md"), re.MULTILINE)
    )
    assert documented == set(every_command())


def test_every_exit_code_is_on_the_page(page) -> None:
    from healthdesk.cli import command

    codes = {command.DONE, command.FAILED, command.USAGE, command.UNREACHABLE, command.NOT_PERMITTED}
    assert {int(code) for code in re.findall(r"^\| (\d) \|", page("cli.md"), re.MULTILINE)} == codes


def test_options_named_on_the_page_exist(page) -> None:
    from healthdesk.cli.command import NOUNS
    from healthdesk.cli.parser import Parser

    options: dict[str, set[str]] = {}
    for noun in NOUNS:
        for command in noun.commands():
            parser = Parser()
            command.arguments(parser)
            words = f"{noun.name} {command.verb}".strip()
            options[words] = {option for action in parser._actions for option in action.option_strings} | {
                "--json"
            }
    rows = re.findall(r"^\| `healthdesk ([a-z -]+?)(?: [A-Z…]+)?` \| (.*) \|$", page("cli.md"), re.MULTILINE)
    unknown = {
        f"{words} {option}"
        for words, text in rows
        for option in re.findall(r"`(--[a-z-]+)", text)
        if option not in options[words]
    }
    assert unknown == set()


# API


def test_every_operator_route_is_on_the_page_and_no_other(page) -> None:
    from healthdesk.http.routes import OPERATOR_ROUTES

    documented = set(
        re.findall(r"^\| `([A-Z]+ /\S+)` \|", section(page("api.md"), "## Operator side"), re.MULTILINE)
    )
    assert documented == {f"{route.method} {route.path}" for route in OPERATOR_ROUTES}


def test_every_public_path_is_on_the_page(page) -> None:
    from healthdesk.http.routes import PUBLIC_ROUTES

    text = section(page("api.md"), "## Public side")
    missing = [
        f"{route.method} {route.path}"
        for route in PUBLIC_ROUTES
        if f"{route.method} {route.path}" not in text
    ]
    assert missing == []
    rows = set(re.findall(r"^\| (\d{3}) \|", text, re.MULTILINE))
    assert rows >= {str(status) for route in PUBLIC_ROUTES for status in (route.status, *route.statuses)} - {
        "200"
    }


def test_every_type_of_error_is_on_the_page_with_its_status(page) -> None:
    from healthdesk.errors import RequestError
    from healthdesk.http.problem_details import TABLE

    kinds = [RequestError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    raised = {(kind.slug, str(kind.status)) for kind in kinds[1:]} | {
        (slug, str(status)) for _, status, slug, _ in TABLE
    }
    assert set(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page("api.md"), re.MULTILINE)) == raised


def test_every_verb_of_the_activity_log_is_on_the_page_and_of_things_it_is_said_of(page, repository) -> None:
    from healthdesk.domain.activity import Verb

    text = section(page("api.md"), "### What the activity log says")
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", text, re.MULTILINE)
    told = {
        (verb, kind)
        for verbs, kinds in rows
        for verb in re.findall(r"`([^`]+)`", verbs)
        for kind in kinds.split(", ")
    }
    assert {verb for verb, _ in told} == set(Verb)

    sources = [path.read_text() for path in (repository / "src/healthdesk/operations").glob("*.py")]
    noted = {
        (Verb[name].value, kind)
        for name, kind in re.findall(r'note\(\s*conn,\s*Verb\.(\w+),\s*"(\w+)"', "\n".join(sources))
    }
    assert len(noted) > 20
    assert noted <= told


# operating


def test_every_metric_is_on_the_page_with_its_labels(page) -> None:
    from healthdesk.engine.metrics import Metrics

    rows = dict(re.findall(r"^\| `(healthdesk_\w+)` \| ([\w, ]*?) ?\|", page("operating.md"), re.MULTILINE))
    for collector in Metrics().registry._collector_to_names:
        name, labels = collector._name, collector._labelnames
        assert name in rows, f"{name} is not documented"
        assert rows[name] == ", ".join(labels)


# terminal UI


def test_every_key_of_the_tui_is_on_the_page(page) -> None:
    from healthdesk.tui.actions import ACTIONS, TITLES, key_name

    text = page("tui.md")
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", section(text, "## Actions"), re.MULTILINE))
    for action in ACTIONS:
        key = key_name(action.key)
        assert key in rows, f"the key {key} ({action.label}) is not documented"
        assert action.label.lower() in rows[key].lower()
    assert set(rows) == {key_name(action.key) for action in ACTIONS}
    for number, title in enumerate(TITLES, start=1):
        assert f"| `{number}` | {title} |" in text


# connectors


TABLES_OF_A_MANIFEST = {
    "Manifest": "Manifest",
    "FieldManifest": "Field",
    "AuthManifest": "Authentication",
    "OAuthSettings": "OAuth",
    "JwtSettings": "JWT grant",
    "AwsSettings": "AWS",
    "RequestTemplate": "Request",
    "ValueFrom": "Value from an answer",
    "HeartbeatManifest": "Heartbeat",
    "IdentityManifest": "Identity",
    "AlsoManifest": "Also",
    "ProbeManifest": "Probe",
    "ErrorRule": "Error rule",
    "RateLimits": "Rate limits",
    "Paging": "Paging",
    "TasksManifest": "Tasks",
    "TaskResult": "Task result",
    "TaskOperation": "Task operation",
    "StatusesManifest": "Statuses",
    "StatusValue": "Status",
    "AssigneeLookup": "Assignee",
    "TaskLookup": "Lookup",
    "ClientCertificateFields": "Client certificate",
    "DeliveryOperation": "Delivery operation",
    "DatasetManifest": "Dataset",
    "ColumnManifest": "Column",
    "CallbackManifest": "Callbacks of the manifest",
    "Where": "Where",
    "EventManifest": "Event",
}


def test_every_table_of_a_manifest_is_on_the_page() -> None:
    from healthdesk.connectors.spec import Manifest  # noqa: F401 - loads every table
    from healthdesk.connectors.spec.base import Part

    assert {model.__name__ for model in Part.__subclasses__()} == set(TABLES_OF_A_MANIFEST)


@pytest.mark.parametrize(("model", "heading"), TABLES_OF_A_MANIFEST.items(), ids=TABLES_OF_A_MANIFEST)
def test_every_field_of_a_manifest_is_on_the_page(model: str, heading: str, page) -> None:
    from healthdesk.connectors.spec import Manifest  # noqa: F401 - loads every table
    from healthdesk.connectors.spec.base import Part

    (table,) = (each for each in Part.__subclasses__() if each.__name__ == model)
    rows = re.findall(r"^\| (`[^|]+`) \|", section(page("connectors.md"), f"### {heading}"), re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(documented) == sorted(field.alias or name for name, field in table.model_fields.items())


def test_every_kind_of_failure_on_the_page_exists(page) -> None:
    from healthdesk.domain.states import Blame, ErrorKind

    rows = re.findall(
        r"^\| `(\w+)` \| .* \| (\w+) \|$", section(page("connectors.md"), "## Kinds of failure"), re.MULTILINE
    )
    assert len(rows) > 10
    assert {kind for kind, _ in rows} <= set(ErrorKind)
    assert {blame for _, blame in rows} <= set(Blame)


def test_every_builtin_app_is_on_the_page_with_where_it_lives(page, repository: Path) -> None:
    folders = (repository / "src/healthdesk/connectors/builtin").glob("*/manifest.toml")
    manifests = [tomllib.loads(manifest.read_text(encoding="utf-8")) for manifest in folders]
    assert manifests
    for app in manifests:
        [row] = re.findall(rf"^\| [^|]+ \| `{app['id']}` \|(.*)$", page("connectors.md"), re.MULTILINE)
        urls = {each["base_url"] for each in (app, *app["auth"]) if "base_url" in each}
        assert urls == {each for each in re.findall(r"`([^`]+)`", row) if not each.startswith("/")}


# words and links


def test_every_state_of_a_record_is_in_the_glossary(page) -> None:
    from healthdesk.domain.states import RecordState

    line = next(line for line in page("architecture.md").splitlines() if line.startswith("- **Record**"))
    assert set(re.findall(r"\w+", line.split("`")[1])) == {state.value for state in RecordState}


def test_every_module_that_the_architecture_names_is_there(page, repository: Path) -> None:
    there = [path.as_posix() for root in ("src", "tests") for path in (repository / root).rglob("*.py")]
    named = re.findall(r"`([a-z_/]+\.py)`", page("architecture.md"))
    assert len(named) > 30
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in there)] == []


def test_the_makefile_has_every_command_that_the_readme_names(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", readme, re.MULTILINE))
    assert {"demo", "test", "setup", "check", "bench", "torture"} <= named
    assert named <= targets


def test_ci_runs_what_the_readme_says(repository: Path) -> None:
    lines = (repository / ".ci/run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]


def test_every_link_between_pages_leads_somewhere(repository: Path) -> None:
    pages = [*(repository / "docs").glob("*.md"), repository / "README.md", repository / "CHANGELOG.md"]
    lost = []
    for source in pages:
        for target, anchor in re.findall(
            r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", source.read_text(encoding="utf-8")
        ):
            file = (source.parent / target).resolve() if target else source
            if not file.exists() or (anchor and anchor not in anchors(file)):
                lost.append(f"{source.name} → {target}#{anchor}")
    assert lost == []


def anchors(file: Path) -> set[str]:
    """Return the names that headings of a page can be linked by."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index(repository: Path, page) -> None:
    index = page("index.md")
    for path in (repository / "docs").glob("*.md"):
        assert path.name == "index.md" or f"({path.name})" in index


def test_constraints_pin_exactly_and_name_no_place(repository: Path) -> None:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 50
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin)] == []


def test_every_dependency_is_pinned(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"], "editables"]
    pins = (repository / "constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    for requirement in wanted:
        name = re.split(r"[\[<>=;~! ]", requirement)[0].lower().replace("_", "-")
        assert f"\n{name}==" in pins, f"{name} is not pinned"
