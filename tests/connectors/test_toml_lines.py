"""The line of every key, against TOML that knows its own lines."""

import random
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthdesk.connectors.toml_lines import line_of, lines_of

STRINGS = (
    '"plain # [x] = {}"',
    "'literal \\'",
    '"quote \\" and \\\\"',
    '"""one\ntwo = 2 # "x" \\"""\n[three]"""',
    "'''a\n[b]\nc = 'd' \\''''",
    '""',
    "''",
    '""""""',
    '"""ends in quotes"""""',
    "1979-05-27 07:32:00",
    "0x_dead".replace("_", ""),
    "-1.5e3",
    "true",
)


class Writer:
    """Writes TOML of random shape, and notes for each path the line it wrote it on."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.text = ""
        self.expected: dict[tuple[str | int, ...], int] = {}
        self.names = 0

    def write(self, text: str) -> None:
        self.text += text

    def note(self, path) -> None:
        self.expected[path] = self.text.count("\n") + 1

    def key(self) -> tuple[str, str]:
        """Return a new name, and how it is written."""
        self.names += 1
        name = f"k{self.names}"
        style = self.rng.randrange(5)
        if style == 0:
            return f"{name} .#=", f'"{name} .#="'
        if style == 1:
            return f'{name}"]', f"'{name}\"]'"
        if style == 2:
            return f"{name}é", f'"{name}\\u00e9"'
        return name, name

    def blank(self, *, lines: bool = False) -> None:
        choices = ["", "", " ", "\t"] + (["\n", "\n\n # ] } = [a]\n  ", " # 'x\n"] if lines else [])
        self.write(self.rng.choice(choices))

    def pairs(self, path, most: int) -> None:
        for _ in range(self.rng.randrange(most + 1)):
            self.blank()
            self.pair(path, 0)
            self.write(self.rng.choice(["\n", "  # [c] = 1\n", "\n\n", "\r\n"]))

    def pair(self, path, depth: int) -> None:
        for number in range(self.rng.choice([1, 1, 1, 2, 3])):
            if number:
                self.write(self.rng.choice([".", " . "]))
            name, written = self.key()
            path = (*path, name)
            self.note(path)
            self.write(written)
        self.write(self.rng.choice(["=", " = "]))
        self.value(path, depth)

    def value(self, path, depth: int) -> None:
        kind = self.rng.randrange(4 if depth < 3 else 1)
        if kind == 2:
            self.write("[")
            for index in range(count := self.rng.randrange(4)):
                self.blank(lines=True)
                self.note((*path, index))
                self.value((*path, index), depth + 1)
                self.blank(lines=True)
                if index < count - 1 or self.rng.random() < 0.5:
                    self.write(",")
            self.blank(lines=True)
            self.write("]")
        elif kind == 3:
            self.write("{")
            for index in range(count := self.rng.randrange(4)):
                self.blank()
                self.pair(path, depth + 1)
                self.blank()
                if index < count - 1:
                    self.write(",")
            self.write("}")
        else:
            self.write(self.rng.choice(STRINGS))

    def header(self, before) -> tuple[str | int, ...]:
        """Write a table or an array of tables, at the top or below `before`."""
        keys = [key for key in before if isinstance(key, str)]
        deeper = before and self.rng.random() < 0.5
        path = before if deeper else ()
        written = [self.quoted(key) for key in keys] if deeper else []
        name, text = self.key()
        array = self.rng.random() < 0.5
        path = (*path, name)
        self.note(path)
        dotted = self.rng.choice([".", " . "]).join([*written, text])
        if not array:
            self.write(f"[{dotted}] # x\n")
            self.pairs(path, 3)
            return path
        count = self.rng.randrange(1, 4)
        for index in range(count):
            self.note((*path, index))
            self.write(f"[[ {dotted} ]]\n")
            self.pairs((*path, index), 3)
        return (*path, count - 1)

    def quoted(self, key: str) -> str:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


def flattened(value, path=()):
    if path:
        yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from flattened(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from flattened(each, (*path, index))


@given(st.integers(min_value=0))
@settings(max_examples=400, deadline=None)
def test_every_key_and_element_is_found_on_the_line_it_was_written_on(seed):
    writer = Writer(random.Random(seed))
    writer.pairs((), 4)
    path = ()
    for _ in range(writer.rng.randrange(5)):
        path = writer.header(path)
    lines = dict(lines_of(writer.text))
    assert set(lines) == set(flattened(tomllib.loads(writer.text)))
    assert lines == writer.expected


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("a", "b"), 2),
        (("a", "b", "gone"), 2),
        (("rows", 1, "name"), 7),
        (("rows", 1, "gone", 3), 6),
        (("gone",), 1),
    ],
)
def test_what_is_missing_is_on_the_line_of_what_is_around_it(path, line):
    text = "# first\na.b = 1\n[[rows]]\nname = 1\n\n[[rows]]\nname = 2\n"
    assert line_of(lines_of(text), path) == line
