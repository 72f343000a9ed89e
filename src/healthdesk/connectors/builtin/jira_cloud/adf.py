"""The Atlassian Document Format of Jira's rich text: plain text becomes paragraphs of it, and it becomes plain text.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEEPEST = 40
_APART = frozenset({"doc", "blockquote", "panel", "expand", "nestedExpand", "tableCell", "tableHeader"})
_LISTS = frozenset({"bulletList", "orderedList", "taskList", "decisionList"})


def to_adf(text: str) -> dict[str, Any]:
    """Return a document of the text: an empty line parts paragraphs, a line break stays one."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip("\n")]
    return {"type": "doc", "version": 1, "content": [_paragraph(part.strip("\n")) for part in paragraphs]}


def _paragraph(text: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def to_text(document: object) -> str:
    """Return what a document says, without its formatting; a text as it is, and nothing for anything else."""
    if isinstance(document, str):
        return document
    return _text(document, 0).strip("\n")


def _text(node: object, depth: int) -> str:
    """Return what a node says. What is nested deeper than people nest is left out."""
    if not isinstance(node, Mapping) or depth > _DEEPEST:
        return ""
    kind = node.get("type")
    attrs = node.get("attrs")
    told = attrs if isinstance(attrs, Mapping) else {}
    children = node.get("content")
    inner = [_text(child, depth + 1) for child in children] if isinstance(children, list) else []
    if kind == "text":
        return str(node.get("text") or "")
    if kind == "hardBreak":
        return "\n"
    if kind in ("mention", "emoji", "status", "date", "inlineCard", "blockCard", "embedCard"):
        return _inline(told)
    if kind == "rule":
        return "---"
    if kind in _LISTS:
        return "\n".join(_item(kind, number, each) for number, each in enumerate(inner, 1))
    if kind == "listItem":
        return "\n".join(inner)
    if kind == "tableRow":
        return " | ".join(each.replace("\n", " ") for each in inner)
    if kind == "table":
        return "\n".join(inner)
    return ("\n\n" if kind in _APART else "").join(each for each in inner if each or kind not in _APART)


def _item(kind: object, number: int, text: str) -> str:
    mark = f"{number}. " if kind == "orderedList" else "- "
    return mark + text.replace("\n", "\n  ")


def _inline(told: Mapping[str, object]) -> str:
    """Return the text of a node that has it in its attributes: a person, an emoji, a link."""
    for name in ("text", "shortName", "url", "timestamp"):
        value = told.get(name)
        if isinstance(value, str) and value:
            return value
    return ""
