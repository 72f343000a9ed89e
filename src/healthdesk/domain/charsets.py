"""The charset that an answer declares, of those whose decoders are cheap whatever the bytes are."""

from __future__ import annotations

import codecs
import re

_DECLARED = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_IN_XML = re.compile(rb"<\?xml[^>]{1,80}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.ASCII)
_CHEAP = re.compile(
    r"iso8859-\d+|cp(?:1250|1251|1252|1253|1254|1257|1258|932|949)|utf-16(?:-[bl]e)?|koi8-[ru]|shift_jis|euc_(?:jp|kr)"
    r"|gb2312|gbk|gb18030|big5"
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def text_of_answer(body: bytes, content_type: str = "") -> str:
    """Return the text of an answer. Raises UnicodeDecodeError (a ValueError) where it is not what it declares.

    What reads as UTF-8 is that, whatever is declared: servers declare a default of their own for it, and the values of a
    record would not be recognized in the other reading.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body.decode(name)
    declared = _declared(body, content_type)
    if declared.startswith("utf-16"):
        return body.decode(declared)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        if not declared:
            raise
        return body.decode(declared)


def _declared(body: bytes, content_type: str) -> str:
    """Return the name by which Python knows the charset, or nothing."""
    named = _DECLARED.search(content_type)
    in_xml = None if named else _IN_XML.match(body[:200].lstrip())
    name = named[1] if named else in_xml[1].decode("ascii") if in_xml else ""
    try:
        known = codecs.lookup(name).name if name else ""
    except LookupError:
        return ""
    return known if _CHEAP.fullmatch(known) else ""
