"""What every screen of the desk does: the actions of the registry, their keys, and the flows they start."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.screen import ModalScreen, Screen
from textual.worker import Worker

from healthdesk.errors import HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.action import Action
from healthdesk.tui.actions import action_of, actions_of, allowed, bindings_of, footer_of, key_name
from healthdesk.tui.format import Line, plain
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.lines import Key, KeyLine
from healthdesk.tui.widgets.window_table import WindowTable

if TYPE_CHECKING:
    from healthdesk.client.client import Client
    from healthdesk.tui.app import HealthdeskApp


OPENING_S = 2.0
"""How long keys do nothing for a question at most: a daemon that is slow to tell what to ask locks nobody out."""


def refusal(error: HealthdeskError) -> str:
    """Return an error and what to do about it, as sentences."""
    fix = error.fix[:1].upper() + error.fix[1:]
    return " ".join(
        part if part.endswith((".", "?", "!")) else f"{part}." for part in (error.what, fix) if part
    )


class ActingScreen(Screen[None]):
    """A screen that acts. Subclasses give `CONTEXT`, their name in the registry, and a `do_<action>` for each action."""

    CONTEXT: ClassVar[str] = ""
    PARTS: ClassVar[tuple[str, ...]] = ()
    """Names in the registry of what else keys act on here, by what has the focus."""
    _opening_until = 0.0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the key bindings from the registry."""
        if cls.CONTEXT:
            contexts = (cls.CONTEXT, *cls.PARTS)
            made = [binding for context in contexts for binding in bindings_of(context)]
            cls.BINDINGS = list({(binding.key, binding.action): binding for binding in made}.values())
        super().__init_subclass__(**kwargs)

    # What is around it

    @property
    def desk(self) -> HealthdeskApp:
        """The app."""
        return cast("HealthdeskApp", self.app)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell of a worker that died: its news come to the screen it belongs to, and go no further."""
        self.desk.worker_changed(event.worker, event.state)

    @property
    def context(self) -> str:
        """What in the registry keys act by now."""
        return self.CONTEXT

    @property
    def client(self) -> Client:
        """The client of the daemon."""
        return self.desk.client

    @property
    def ascii_only(self) -> bool:
        """Whether glyphs are letters here."""
        return self.desk.ascii_only

    def view(self) -> View:
        """The time and zone views are made with."""
        return self.desk.view()

    def reload(self) -> None:
        """Read again what is shown."""

    # What can be done

    def item(self) -> Any:
        """Return what actions act on, or None."""
        table = self.focused if isinstance(self.focused, WindowTable) else None
        return table.current if table is not None else None

    def item_name(self) -> str:
        """Return what the item is called, for the Actions menu."""
        return ""

    def why_not(self, action: Action) -> str:
        """Return why an action cannot be done now, or an empty string."""
        status = self.desk.status
        if not allowed(status.you.role if status else None, action.role):
            people = ", ".join(status.administrators) if status else ""
            return f"needs the {action.role.value} role" + (f"; ask {people}" if people else "")
        if action.item and action.id != "menu" and self.item() is None:
            return "there is nothing under the cursor"
        if not self.desk.link.live and action.changes:
            return "the daemon is not answering"
        return self.refuses(action.id) or self.ruled_out().get(action.ruled, "").rstrip(".")

    def ruled_out(self) -> Mapping[str, str]:
        """Return what the daemon refuses on the thing, each with the reason and whom to ask."""
        return {}

    def refuses(self, action_id: str) -> str:  # noqa: ARG002 - subclasses read it
        """Return why this screen does not do an action now."""
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done."""
        if action == "do" and self.is_mounted and parameters:
            known = action_of(self.context, str(parameters[0]))
            return None if known is None or self.why_not(known) else True
        return True

    def on_key(self, event: events.Key) -> None:
        """Say why a greyed key does nothing."""
        if self.leaves_key(event.key):
            return
        for action in actions_of(self.context):
            if action.key == event.key:
                reason = self.why_not(action)
                if reason:
                    event.stop()
                    self.desk.tell(f"{action.label}: {reason}", ok=False)
                return
        self._say_elsewhere(event)

    def _say_elsewhere(self, event: events.Key) -> None:
        for action in (action for part in (self.CONTEXT, *self.PARTS) for action in actions_of(part)):
            reason = self.not_here(action) if action.key == event.key else ""
            if reason:
                event.stop()
                self.desk.tell(f"{action.label}: {reason}", ok=False)
                return

    def not_here(self, action: Action) -> str:  # noqa: ARG002 - subclasses read it
        """Return why an action of the screen is none of what has the focus, where it is worth saying."""
        return ""

    def leaves_key(self, pressed: str) -> bool:  # noqa: ARG002 - subclasses read it
        """Return whether a key means something else to what has the focus."""
        return False

    async def action_do(self, action_id: str) -> None:
        """Do an action of the registry."""
        self.do(action_id)

    def do(self, action_id: str) -> None:
        """Do an action, or say why not."""
        action = action_of(self.context, action_id)
        if action is None:
            return
        reason = self.why_not(action)
        if reason:
            self.desk.tell(f"{action.label}: {reason}", ok=False)
        else:
            self.desk.hush()
            getattr(self, f"do_{action_id}")()

    def keys(self) -> list[Key]:
        """Return the key line."""
        return [
            Key(key_name(action.key), action.short, bool(self.why_not(action)))
            for action in footer_of(self.context, without=self.off_footer())
        ]

    def off_footer(self) -> frozenset[str]:
        """Return the actions that are left out of the key line now."""
        return frozenset()

    def show_keys(self) -> None:
        """Show which keys work now."""
        if self.is_mounted:
            self.query_one(KeyLine).show(self.keys())

    def flow(self, work: Coroutine[Any, Any, str], *, asks: bool = False) -> None:
        """Carry out an action in a worker; what it returns is told, what it raises too.

        What is typed after the key of one that `asks` is meant for its question, and must not act here before that is up.
        """
        if asks:
            self._opening_until = self.desk.clock.monotonic() + OPENING_S
        self.run_worker(self._guarded(work, asks=asks), group="flow", exit_on_error=False)

    async def _guarded(self, work: Coroutine[Any, Any, str], *, asks: bool) -> None:
        try:
            sentence = await work
        except HealthdeskError as error:
            self.post_message(messages.FlowRefused(error))
        else:
            self.post_message(messages.FlowEnded(sentence))
        finally:
            if asks:
                self._opening_until = 0.0

    @property
    def opening(self) -> bool:
        """Whether a question is on its way."""
        return self.desk.clock.monotonic() < self._opening_until

    @on(messages.FlowEnded)
    def _flow_ended(self, message: messages.FlowEnded) -> None:
        if message.sentence:
            self.desk.tell(message.sentence, ok=message.ok)
            self.reload()

    @on(messages.FlowRefused)
    def _flow_refused(self, message: messages.FlowRefused) -> None:
        self.desk.tell(refusal(message.error), ok=False)

    def ask(self, question: ModalScreen[Any]) -> Any:
        """Return an awaitable answer to a modal; only for flows, which run in workers."""
        self._opening_until = 0.0
        return self.app.push_screen_wait(question)

    # Actions every screen has

    def do_refresh(self) -> None:
        """Read again; try a lost daemon now."""
        self.desk.feed.retry_now()
        self.reload()

    def do_back(self) -> None:
        """Go where you came from."""
        self.app.pop_screen()

    def do_help(self) -> None:
        """Show the keys."""
        self.desk.show_help(self.context)

    def do_menu(self) -> None:
        """Show everything that can be done."""
        self.desk.show_menu(self)

    def copy_text(self) -> str:
        """Return what `y` copies."""
        return plain(self.copy_lines())

    def copy_lines(self) -> list[Line]:
        """Return what `y` copies, as lines."""
        return []

    def do_copy(self) -> None:
        """Copy."""
        self.desk.copy(self.copy_text())
