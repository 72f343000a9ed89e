"""Takes out of recorded answers what is nobody else's business: secrets, tokens, people.

The same value is replaced by the same stand-in everywhere, so that a page is still asked for with the cursor that the page
before it gave. What it takes out is what it can know by its form or by its name: whoever publishes a fixture reads it first.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import unescape

from healthdesk.host.connectors.cases import STAND_IN

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_OURS = re.compile(r"person\d+@example\.com")
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{12,}|xox[a-z]-[\w-]{10,}|pk_\d+_\w{8,}|lin_(?:api|oauth)_\w{8,}"
    r"|[sr]k_(?:live|test)_\w{8,}|A[KS]IA[0-9A-Z]{12,}|ya29\.[\w-]{8,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*"
    r"|(?<=Bearer )(?=[\w.~+/=-]*\d)[\w.~+/=-]{16,}|(?<=Basic )(?=[\w+/=-]*\d)[\w+/=-]{16,})"
)
_SECRET_NAME = re.compile(
    r"(?:(?:access|refresh|id|auth|api|session|csrf|xsrf|bot|app|user)[_-]?)?(?:token|key|secret|password|passwd|cookie|assertion)"
    r"|client[_-]?secret|secret[_-]?access[_-]?key|private[_-]?key|signature|authorization|session(?:[_-]?id)?|secret[_-]?text",
    re.IGNORECASE,
)
_ELEMENT = re.compile(r"<(?:\w+:)?(\w[\w.-]*)(?:\s[^<>]*)?>([^<>]+)</")
"""An element of XML that holds text."""
_NO_SECRET = frozenset({"key", "token_type"})
_PERSON = frozenset(
    {
        "email", "emailaddress", "mail", "login", "username", "userprincipalname", "avatar", "avatarurl", "avatarurls",
        "gravatarid", "accountid", "initials", "givenname", "firstname", "surname", "lastname", "photo", "phone",
        "profilepicture", "realname", "screenname",
    }
)  # fmt: skip
"""An object with one of these is about a person."""
_NAMES = frozenset(
    {
        "name", "fullname", "displayname", "realname", "firstname", "lastname", "givenname", "familyname", "surname",
        "nickname", "login", "username", "preferredusername", "screenname", "title", "initials", "displaynamenormalized",
        "realnamenormalized",
    }
)  # fmt: skip
_ALWAYS_NAMES = frozenset(
    {
        "login",
        "username",
        "preferredusername",
        "firstname",
        "lastname",
        "givenname",
        "familyname",
        "fullname",
        "realname",
    }
)
_PHONES = frozenset(
    {"phone", "mobile", "phonenumber", "mobilephone", "businessphones", "phonenumbers", "telephone"}
)
_PICTURES = re.compile(r"(?:avatar|photo|picture|gravatar|image)\w*(?:url|id|s)?|image\d+")
_SHORTEST = 4
_LONG = 8


class Redactor:
    """Learns what to take out of some documents, then takes it out of all of them.

    `secrets` are values by field, `addresses` pairs of what an address was and shall be, `words` what else has to go.
    """

    def __init__(
        self, secrets: Mapping[str, str], addresses: Iterable[tuple[str, str]] = (), words: Iterable[str] = ()
    ) -> None:
        self._exact: dict[str, str] = {}
        self._stand_ins: set[str] = set()
        self._counts: dict[str, int] = {}
        self._forms: dict[str, str] = {}
        self._compiled: tuple[int, re.Pattern[str]] | None = None
        self._addresses = [(old, new) for old, new in addresses if old and old != new]
        self._secrets = [value for value in secrets.values() if value]
        for key, value in secrets.items():
            self._put(value, STAND_IN.format(key))
        for word in words:
            self._number(word, "redacted{}")

    def learn(self, value: Any, *, person: bool = False) -> None:
        """Note what an answer says of secrets and people."""
        if isinstance(value, list):
            for each in value:
                self.learn(each, person=person)
        elif isinstance(value, dict):
            about_person = not _PERSON.isdisjoint(map(_plain, value))
            for name, each in value.items():
                self._learn_member(name, each, person=about_person)
        elif isinstance(value, str):
            self._learn_text(value)

    def value(self, value: Any) -> Any:
        """Return JSON values without what was learnt."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            # Names of members are the app's own words, unless there is a person or a secret in one.
            return {
                self.text(name) if "@" in name or self.leaks(name) else name: self.value(each)
                for name, each in value.items()
            }
        return value

    def text(self, text: str) -> str:
        """Return a text without what was learnt, and without what looks like a token or an address of mail."""
        if text in self._exact:
            return self._exact[text]
        for old, new in self._addresses:
            text = text.replace(old, new)
        text = self._inside().sub(lambda match: self._forms[match[0]], text)
        self._learn_text(text)
        text = _EMAIL.sub(lambda match: self._exact.get(match[0], match[0]), text)
        return _TOKENS.sub(lambda match: self._exact.get(match[0], match[0]), text)

    def _inside(self) -> re.Pattern[str]:
        """Return what finds all that was learnt inside a text, the longest first; made anew when there is more."""
        if self._compiled is None or self._compiled[0] != len(self._exact):
            self._forms = {
                form: stand_in
                for value, stand_in in self._exact.items()
                if len(value) >= _SHORTEST
                for form in _forms(value)
            }
            # A long secret goes wherever it stands; a name or a short one only as a word.
            hidden = [form for secret in self._secrets if len(secret) >= _LONG for form in _forms(secret)]
            whole, words = _any_of(hidden), _any_of(self._forms)
            self._compiled = (
                len(self._exact),
                re.compile(rf"{whole}|(?<![A-Za-z0-9]){words}(?![A-Za-z0-9])"),
            )
        return self._compiled[1]

    def leaks(self, text: str) -> bool:
        """Tell whether one of the secrets is still in a text, in any form."""
        return any(
            form in text for secret in self._secrets for form in _forms(secret) if len(form) >= _SHORTEST
        )

    def _learn_member(self, name: str, value: Any, *, person: bool) -> None:
        plain = _plain(name)
        if isinstance(value, str) and value:
            if _SECRET_NAME.fullmatch(name) and plain not in _NO_SECRET:
                self._number(value, f"redacted-{name}{{}}")
                return
            if plain in _PHONES:
                self._number(value, "+1555000{}", always=True)
                return
            if person and _PICTURES.fullmatch(plain) and value.startswith("http"):
                self._number(value, "https://pictures.example/{}", always=True)
                return
            named = (plain in _NAMES and person) or plain in _ALWAYS_NAMES
            if named and not _EMAIL.fullmatch(value):
                self._number(value, "person{}", always=True)
                return
        self.learn(value, person=person)

    def _learn_text(self, text: str) -> None:
        for match in _ELEMENT.finditer(text):
            if _SECRET_NAME.fullmatch(match[1]) and _plain(match[1]) not in _NO_SECRET:
                for form in dict.fromkeys((match[2].strip(), unescape(match[2].strip()))):
                    self._number(form, f"redacted-{match[1]}{{}}")
        for match in _EMAIL.finditer(text):
            if not _OURS.fullmatch(match[0]):
                self._number(match[0], "person{}@example.com", always=True)
        for match in _TOKENS.finditer(text):
            if not match[0].startswith("redacted-"):
                self._number(match[0], "redacted-secret{}")

    def _number(self, value: str, form: str, *, always: bool = False) -> None:
        """Give a value a stand-in: with a number where there are several of the kind, or always."""
        if value in self._exact or value in self._stand_ins:
            return
        self._counts[form] = self._counts.get(form, 0) + 1
        count = self._counts[form]
        self._put(value, form.format(count if always or count > 1 else ""))

    def _put(self, value: str, stand_in: str) -> None:
        if value:
            self._exact.setdefault(value, stand_in)
            self._stand_ins.add(stand_in)


def _any_of(forms: Iterable[str]) -> str:
    """Return an expression for any of these texts, the longest first; one that fits nothing where there are none."""
    return f"(?:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True))) or '(?!)'})"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _forms(secret: str) -> list[str]:
    """Return how a text may say a secret."""
    raw = secret.encode()
    forms = [secret, quote(secret, safe=""), quote_plus(secret), base64.b64encode(raw).decode().rstrip("=")]
    return list(dict.fromkeys(forms))
