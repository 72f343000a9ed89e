import pytest

from healthdesk.api.connections import App
from healthdesk.connectors.registry import Registry
from healthdesk.errors import ConnectorError

GOOD = 'id = "my-app"\nname = "My app"\nkinds = ["delivery"]\nauth = [{ id = "none", name = "None", type = "none" }]\n'


def folder(tmp_path, text, name="my_app"):
    (tmp_path / name).mkdir()
    (tmp_path / name / "manifest.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_http_endpoint_comes_with_healthdesk():
    registry = Registry.builtin()
    app = registry.get("http-endpoint")
    assert app.name == "HTTP endpoint"
    assert "http-endpoint" in registry
    assert app in registry.list()


def test_a_manifest_becomes_the_apis_app():
    app = App.model_validate(Registry.builtin().get("http-endpoint"), from_attributes=True)
    assert {field.key for method in app.auth for field in method.fields if field.secret} == {
        "token",
        "password",
    }


def test_a_folder_with_a_manifest_is_all_an_app_needs(tmp_path):
    (tmp_path / "__pycache__").mkdir()
    assert Registry.from_folder(folder(tmp_path, GOOD)).get("my-app").name == "My app"


def test_an_unknown_app_suggests_the_nearest():
    with pytest.raises(ConnectorError) as caught:
        Registry.builtin().get("http-endpiont")
    assert caught.value.fix == "did you mean http-endpoint?"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("id = ", "my_app/manifest.toml is not TOML"),
        (GOOD + "surprise = 1", "surprise"),
        (GOOD.replace("delivery", "magic"), "kinds.0"),
        (GOOD.replace("my-app", "My App"), "id"),
        (GOOD.replace("my-app", "other"), "does not fit its folder"),
    ],
)
def test_a_wrong_manifest_names_the_file_and_the_key(tmp_path, text, part):
    with pytest.raises(ConnectorError) as caught:
        Registry.from_folder(folder(tmp_path, text))
    assert part in caught.value.what
    assert "my_app/manifest.toml" in caught.value.what
    assert caught.value.fix
