import pytest

from healthdesk.connectors.auth import StoredCredentials, auth_headers, check_credentials, secret_headers
from healthdesk.connectors.registry import Registry
from healthdesk.errors import ConnectorError


def method_of(credentials):
    return Registry.builtin().get("http-endpoint").manifest.method(credentials.auth)


ALL = [
    (StoredCredentials(), {}),
    (StoredCredentials(auth="bearer", token="abc"), {"Authorization": "Bearer abc"}),
    (
        StoredCredentials(auth="basic", username="Aladdin", password="open sesame"),
        {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    ),
    (
        StoredCredentials(auth="basic", username="zoë", password="日本"),
        {"Authorization": "Basic em/Dqzrml6XmnKw="},
    ),
    (StoredCredentials(auth="header", header_name="X-API-Key", token="abc"), {"X-API-Key": "abc"}),
]


@pytest.mark.parametrize(("credentials", "headers"), ALL)
def test_credentials_become_the_headers_of_their_method(credentials, headers):
    assert check_credentials(credentials, method_of(credentials)) == credentials
    assert auth_headers(credentials) == headers
    assert secret_headers(credentials) == {name.lower() for name in headers}


@pytest.mark.parametrize("credentials", [credentials for credentials, _ in ALL])
def test_what_is_kept_is_read_back(credentials):
    assert StoredCredentials.from_json(credentials.to_json()) == credentials


def test_nothing_kept_is_no_credentials():
    assert StoredCredentials.from_json("") == StoredCredentials()


@pytest.mark.parametrize(
    "text", ['{"auth": "bearer", "tok', '{"auth":"bearer","secret":"x-y-z"}', "[]", '"x"', "1"]
)
def test_what_cannot_be_read_is_an_error_that_does_not_quote_it(text):
    with pytest.raises(ConnectorError) as caught:
        StoredCredentials.from_json(text)
    assert str(caught.value) == "the stored credentials cannot be read"
    assert caught.value.__cause__ is None


def test_a_secret_is_not_in_the_repr():
    shown = repr(StoredCredentials(auth="basic", username="user", password="geheim", token="tok"))
    assert "geheim" not in shown
    assert "tok" not in shown


@pytest.mark.parametrize(
    ("credentials", "part", "field"),
    [
        (StoredCredentials(auth="bearer"), "token is missing", "token"),
        (StoredCredentials(auth="header", header_name="X-Key"), "token is missing", "token"),
        (StoredCredentials(auth="header", token="abc"), "header name is missing", "header_name"),
        (
            StoredCredentials(auth="header", token="abc", header_name="X Key"),
            "not a header name",
            "header_name",
        ),
        (
            StoredCredentials(auth="header", token="abc", header_name="X-Key:\r\nX"),
            "line break",
            "header_name",
        ),
        (StoredCredentials(auth="header", token="abc", header_name="Host"), "set by the desk", "header_name"),
        (
            StoredCredentials(auth="header", token="abc", header_name="webhook-signature"),
            "set by the desk",
            "header_name",
        ),
        (
            StoredCredentials(auth="query", values={"parameter_name": "a=b", "token": "abc"}),
            "parameter name does not look like one",
            "parameter_name",
        ),
        (StoredCredentials(auth="basic", password="x"), "user name is missing", "username"),
        (StoredCredentials(auth="basic", username="a:b", password="x"), "colon", "username"),
        (StoredCredentials(auth="bearer", token="a\r\nX-Evil: 1"), "line break", "token"),
        (StoredCredentials(auth="bearer", token="schlüssel"), "not ASCII", "token"),
    ],
)
def test_credentials_no_request_can_carry_are_refused_without_showing_them(credentials, part, field):
    with pytest.raises(ConnectorError) as caught:
        check_credentials(credentials, method_of(credentials))
    assert part in caught.value.what
    assert caught.value.field == f"credentials.{field}"
    assert "Evil" not in caught.value.what
