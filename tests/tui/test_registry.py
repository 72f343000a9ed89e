"""The registry of actions and the screens agree."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from healthdesk.tui import screens
from healthdesk.tui.actions import ACTIONS, actions_of
from healthdesk.tui.screens.acting import ActingScreen


def acting(found: type[ActingScreen] = ActingScreen) -> list[type[ActingScreen]]:
    return [each for made in found.__subclasses__() for each in (made, *acting(made))]


for module in pkgutil.iter_modules(screens.__path__):
    importlib.import_module(f"{screens.__name__}.{module.name}")
SCREENS = [each for each in acting() if each.CONTEXT]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_a_screen_does_every_action_that_the_registry_offers_on_it(screen: type[ActingScreen]):
    missing = {
        action.id
        for context in (screen.CONTEXT, *screen.PARTS)
        for action in actions_of(context)
        if not callable(getattr(screen, f"do_{action.id}", None))
    }
    assert not missing


def test_a_key_means_one_thing_in_each_context():
    contexts = {context for screen in SCREENS for context in (screen.CONTEXT, *screen.PARTS)}
    for context in contexts:
        keys = [action.key for action in actions_of(context)]
        assert len(keys) == len(set(keys)), context
    assert {name for action in ACTIONS for name in action.screens} == contexts


VERBS = {
    "n": ("New", "Add"),
    "e": ("Edit", "Settings", "Change"),
    "c": ("Check",),
    "s": ("Sync", "Resend"),
    "S": ("Resend All",),
    "f": ("Fix",),
    "u": ("Update",),
    "t": ("Test", "Send sample data"),
    "a": ("Acknowledge",),
    "m": ("Mute",),
    "p": ("Pause",),
    "D": ("Disconnect", "Unlink", "Delete", "Remove", "Cancel"),
    "v": ("Reveal",),
}
"""The common verbs, each with its key; `f` is for fixing and resending alone."""


@pytest.mark.parametrize("key", VERBS)
def test_the_key_of_a_common_verb_means_nothing_else_anywhere(key: str):
    others = [
        action.label for action in ACTIONS if action.key == key and not action.label.startswith(VERBS[key])
    ]
    assert not others
