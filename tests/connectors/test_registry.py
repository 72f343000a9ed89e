from importlib.metadata import EntryPoint

import pytest

from healthdesk.api.apps import App
from healthdesk.connectors.registry import ENTRY_POINTS, Registry
from healthdesk.errors import ConnectorError

GOOD = 'id = "my-app"\nname = "My app"\nkinds = ["delivery"]\nauth = [{ id = "none", name = "None", type = "none" }]\n'


def folder(tmp_path, text, name="my_app"):
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / "manifest.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_http_endpoint_comes_with_healthdesk():
    registry = Registry.builtin()
    app = registry.get("http-endpoint")
    assert app.name == "HTTP endpoint"
    assert "http-endpoint" in registry
    assert app in registry.list()


def test_a_manifest_becomes_the_apis_app():
    app = App.model_validate(Registry.builtin().get("http-endpoint").manifest, from_attributes=True)
    assert {field.key for method in app.auth for field in method.fields if field.secret} == {
        "token",
        "password",
        "client_secret",
        "certificate",
        "private_key",
    }


def test_a_folder_with_a_manifest_is_all_an_app_needs(tmp_path):
    (tmp_path / "__pycache__").mkdir()
    assert Registry.from_folder(folder(tmp_path, GOOD)).get("my-app").name == "My app"


def test_an_unknown_app_suggests_the_nearest():
    with pytest.raises(ConnectorError) as caught:
        Registry.builtin().get("http-endpiont")
    assert caught.value.fix == "did you mean http-endpoint?"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("id = ", "manifest.toml:1: it is not TOML"),
        (GOOD + "surprise = 1", "manifest.toml:5: surprise: there is no key surprise"),
        (GOOD.replace("delivery", "magic"), "manifest.toml:3: kinds[0]: 'magic'"),
        (GOOD.replace("my-app", "My App"), "manifest.toml:1: id: 'My App'"),
        (GOOD.replace("my-app", "other"), "manifest.toml:1: id: other does not fit its folder my_app"),
    ],
)
def test_a_folder_that_cannot_be_used_is_left_out_and_told_with_file_line_and_reason(tmp_path, text, place):
    good = folder(tmp_path, GOOD.replace("my-app", "good"), "good")
    registry = Registry.from_folder(folder(good, text))
    assert [app.id for app in registry.list()] == ["good"]
    (refused,) = registry.refused
    assert place in refused.what
    assert refused.what.startswith(str(tmp_path / "my_app"))
    assert refused.fix


def test_every_folder_that_comes_with_healthdesk_can_be_used():
    assert Registry.builtin().refused == []


def test_the_code_of_a_folder_that_cannot_be_imported_is_told_with_its_line(tmp_path):
    folder(tmp_path, GOOD)
    (tmp_path / "my_app" / "connector.py").write_text("x = 1\nraise RuntimeError('no')\n", encoding="utf-8")
    registry = Registry.from_folder(tmp_path)
    assert registry.list() == []
    assert "line 2: RuntimeError: no" in registry.refused[-1].what


def test_code_that_leaves_while_it_is_imported_takes_nothing_with_it(tmp_path):
    folder(tmp_path, GOOD)
    (tmp_path / "my_app" / "connector.py").write_text(
        "import asyncio\nraise asyncio.CancelledError()\n", encoding="utf-8"
    )
    assert "line 2: CancelledError" in Registry.from_folder(tmp_path).refused[-1].what


def test_the_config_names_a_connector_or_a_folder_of_connectors(tmp_path):
    alone = folder(tmp_path / "alone", GOOD) / "my_app"
    many = folder(tmp_path / "many", GOOD.replace("my-app", "other"), "other")
    registry = Registry.everything([alone, many], packages=())
    assert {"my-app", "other", "http-endpoint"} <= {app.id for app in registry.list()}


def test_an_outside_folder_takes_no_id_that_comes_with_healthdesk(tmp_path):
    text = GOOD.replace("my-app", "http-endpoint").replace("My app", "Mine")
    registry = Registry.everything([folder(tmp_path, text, "http_endpoint")], packages=())
    assert registry.get("http-endpoint").name == "HTTP endpoint"
    assert "the id http-endpoint is taken by" in registry.refused[-1].what


@pytest.mark.parametrize("make", [True, False])
def test_a_folder_of_the_config_without_connectors_is_told(tmp_path, make):
    place = tmp_path / "nothing"
    if make:
        place.mkdir()
    registry = Registry.everything([place], packages=())
    assert "http-endpoint" in registry
    assert str(place) in registry.refused[-1].what
    assert "[connectors] folders" in registry.refused[-1].fix


def package(tmp_path, monkeypatch, name, files):
    place = tmp_path / name
    place.mkdir()
    for file, text in files.items():
        (place / file).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return EntryPoint(name="anything", value=name, group=ENTRY_POINTS)


def test_an_installed_package_brings_a_connector(tmp_path, monkeypatch):
    files = {"__init__.py": "", "manifest.toml": GOOD.replace("my-app", "brought-app")}
    entry = package(tmp_path, monkeypatch, "brought_app", files)
    registry = Registry.everything(packages=[entry])
    assert registry.get("brought-app").name == "My app"


def test_an_installed_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    package(
        tmp_path,
        monkeypatch,
        "found_app",
        {"__init__.py": "", "manifest.toml": GOOD.replace("my-app", "found-app")},
    )
    installed = tmp_path / "found_app-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: found-app\nVersion: 1.0\n", encoding="utf-8"
    )
    (installed / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\nfound = found_app\n", encoding="utf-8")
    assert Registry.everything().get("found-app").name == "My app"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"__init__.py": "raise RuntimeError('not today')"}, "RuntimeError: not today"),
        ({"__init__.py": "import sys\nsys.exit('bye')"}, "SystemExit: bye"),
        ({"__init__.py": ""}, "has no manifest.toml"),
    ],
)
def test_a_package_that_cannot_be_used_is_told(tmp_path, monkeypatch, files, reason):
    entry = package(tmp_path, monkeypatch, f"broken_{len(files['__init__.py'])}", files)
    registry = Registry.everything(packages=[entry])
    assert "http-endpoint" in registry
    assert reason in registry.refused[-1].what
