"""A manifest is read, or refused with file, line, reason and fix. Nothing else comes of any bytes."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.connectors.manifests import FULL

from healthdesk.connectors.lint import findings_of
from healthdesk.connectors.reader import MOST_BYTES, Source, read_folder, read_text
from healthdesk.errors import ConnectorError, ManifestRefused

FILE = "some/full/manifest.toml"
LINES = FULL.splitlines()


def refused(text: str | bytes) -> ManifestRefused:
    with pytest.raises(ManifestRefused) as caught:
        read_text(text.encode() if isinstance(text, str) else text, FILE)
    return caught.value


def line_with(text: str) -> int:
    (line,) = (number for number, line in enumerate(LINES, start=1) if text in line)
    return line


def test_a_good_manifest_is_read_with_the_line_of_each_part():
    source = read_text(FULL.encode(), FILE)
    assert source.manifest.id == "full"
    assert source.line(("datasets", 0, "id_column")) == line_with("id_column")
    assert source.line(("heartbeat", 0, "also", 0, "expires", "format")) == line_with("expires_at")


@pytest.mark.parametrize(
    ("old", "new", "key", "reason", "fix"),
    [
        ('id_column = "login"', 'id_colum = "login"', "datasets[0].id_colum", "no key id_colum", "did you mean id_column?"),
        ('label = "Site"', "label = 3", "fields[0].label", "3 is not text", "quotes"),
        ("secret = true\n\n", 'secret = "perhaps"\n\n', "auth[0].fields[0].secret", "is not true or false", "without quotes"),
        ('type = "jwt_grant"', 'type = "jwt_grand"', "auth[2].type", "'jwt_grand' is not known", "did you mean jwt_grant?"),
        ("status = [401]", "status = [4011]", "errors[0].status[0]", "'4011' is not a status", ""),
        ('path = "/issues/{id}"', 'path = "/issues/{id"', "tasks.get.request.path", "a brace stands alone", ""),
        ('tags = ["{status}"]', 'tags = ["{"]', "tasks.create.request.json.tags[0]", "a brace stands alone", ""),
        ('auth = ["token"]', 'auth = ["tokens"]', "heartbeat[0].also[0].auth[0]", "no authentication method tokens", ""),
        ('"active == `true`"', '"active =="', "heartbeat[0].success", "is not a JMESPath expression", ""),
        ('"active == `true`"', '"state == `open`"', "heartbeat[0].success", "is not a JMESPath expression", ""),
        ("(?P<key>[A-Z]+", "(?P<key>[A-Z+", "tasks.lookup.key", "is not a regular expression", ""),
        ("[rate_limits]", "[rate_limit]", "rate_limit", "no key rate_limit", "did you mean rate_limits?"),
        ('scheme = "hmac"', "", "callbacks", "the key scheme is missing", "add scheme"),
        ('id = "service"', 'id = "app"', "auth[2].id", "is there twice", ""),
        ('kinds = ["tasks", "proof"]', 'kinds = ["tasks"]', "kinds", "do not agree", ""),
        ('param = "after"\n\n', 'param = "after"\nsize = 0\n\n', "paging.size", "greater than or equal to 1", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_reason_and_fix(old, new, key, reason, fix):
    assert FULL.count(old) == 1
    text = FULL.replace(old, new)
    error = refused(text)
    assert error.file == FILE
    assert error.what.startswith(f"{FILE}:{error.line}: {key}: ")
    assert reason in error.what
    assert fix in error.fix
    assert error.fix
    changed = [
        at for at, pair in enumerate(zip(LINES, text.splitlines(), strict=False), 1) if pair[0] != pair[1]
    ]
    # What was taken away is missed where its table begins.
    assert error.line == changed[0] - (not new)


def test_a_key_below_a_table_that_belongs_to_the_app_is_told_so():
    error = refused(FULL + '\nmessage = "x"\n')
    assert error.line == len(LINES) + 2
    assert "above the first [table]" in error.fix


def test_all_mistakes_are_found_and_counted():
    error = refused(FULL.replace('label = "Site"', "label = 3").replace("[rate_limits]", "[rate_limit]"))
    assert "(and 1 more)" in error.what
    assert [finding.line for finding in error.findings] == [
        line_with('label = "Site"'),
        line_with("[rate_limits]"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a = 1\nb = \n", 2, "it is not TOML: Invalid value"),
        ("a = [\n1,\n", 3, "it is not TOML"),
        ("a = 1\na = 2\n", 2, "it is not TOML: Cannot overwrite a value"),
        (b"a = 1\n\nb = '\xff'\n", 3, "it is not UTF-8 text"),
        (f"a = {'9' * 5000}", 1, "it is not TOML"),
        (f"a = {'[' * 5000}", 1, "it is nested too deep"),
        (b"#" * (MOST_BYTES + 1), 1, "it is longer than 1 MiB"),
        ("", 1, "the key id is missing"),
    ],
)
def test_what_is_no_manifest_is_told_with_its_line(text, line, reason):
    error = refused(text)
    assert (error.line, reason in error.what) == (line, True), error.what


def test_a_folder_without_a_manifest_is_told(tmp_path):
    with pytest.raises(ManifestRefused, match=r"manifest\.toml:1: there is no such file"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"active == `true`"', f'"{"(" * 5000}"', "the expression is nested too deep"),
        ('"active == `true`"', f'"a[{"9" * 5000}]"', "is not a JMESPath expression"),
        ('pattern = "[a-z]+"', f'pattern = "{"(" * 5000}"', "the regular expression is nested too deep"),
        ('pattern = "[a-z]+"', 'pattern = "a{99999999999999999999}"', "is not a regular expression"),
    ],
)
def test_what_breaks_a_parser_is_told_with_its_line(old, new, reason):
    error = refused(FULL.replace(old, new))
    assert (error.line, reason in error.what) == (line_with(old), True)


def test_a_manifest_that_is_a_folder_is_told(tmp_path):
    (tmp_path / "manifest.toml").mkdir()
    with pytest.raises(ManifestRefused, match=r"manifest\.toml:1: it cannot be read: Is a directory"):
        read_folder(tmp_path)


def outcome(raw: bytes) -> None:
    """Hold the promise: a manifest, or an error with file and a line that is there."""
    read: Source | ConnectorError
    try:
        read = read_text(raw, FILE)
    except ConnectorError as error:
        read = error
    lines = range(1, raw.count(b"\n") + 2)
    if isinstance(read, Source):
        for finding in findings_of(read):
            assert finding.line in lines
            assert finding.reason
            assert finding.fix
        return
    assert isinstance(read, ManifestRefused)
    assert read.line in lines
    assert read.what.startswith(f"{FILE}:{read.line}: ")
    assert read.fix


@given(st.binary(max_size=300))
def test_any_bytes_give_a_manifest_or_the_error(raw):
    outcome(raw)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def toml(value) -> str:
    """Write a JSON value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{string(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    return string(value) if isinstance(value, str) else '""' if value is None else json.dumps(value)


def string(text: str) -> str:
    return json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


@given(st.integers(0, len(LINES) - 1), VALUES)
@example(LINES.index('message = "error.message"'), "`{`")
@example(LINES.index('message = "error.message"'), "[" + "9" * 5000 + "]")
@example(LINES.index('message = "error.message"'), "a" + "(" * 5000)
@example(LINES.index('pattern = "[a-z]+"'), "(" * 5000)
@example(LINES.index('pattern = "[a-z]+"'), "a{99999999999999999999}")
@settings(max_examples=300, deadline=None)
def test_any_value_anywhere_gives_a_manifest_or_the_error(at, value):
    name, equals, _ = LINES[at].partition(" = ")
    outcome(
        "\n".join(
            [*LINES[:at], f"{name}{equals}{toml(value)}" if equals else toml(value), *LINES[at + 1 :]]
        ).encode()
    )


@given(
    st.integers(0, len(FULL)),
    st.integers(0, 60),
    st.text(max_size=8) | st.sampled_from(["{", "}", '"', "\n", "[[", "=", "`"]),
)
@settings(max_examples=300, deadline=None)
def test_any_edit_gives_a_manifest_or_the_error(at, length, text):
    outcome((FULL[:at] + text + FULL[at + length :]).encode(errors="replace"))


EXPRESSIONS = st.text(alphabet="ab.[]*?&|!@(){}:,'\"`\\0-9<>= \n\t☃", max_size=12)


@given(EXPRESSIONS)
@settings(max_examples=200, deadline=None)
def test_any_expression_and_any_template_gives_a_manifest_or_the_error(text):
    outcome(FULL.replace('"active == `true`"', string(text)).encode())
    outcome(FULL.replace('"/issues/{id}"', string(text)).encode())
