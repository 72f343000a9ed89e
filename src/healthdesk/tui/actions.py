"""The one registry of actions: key bindings, footer, Actions menu, help and palette are all made from it."""

from __future__ import annotations

from textual.binding import Binding

from healthdesk.domain.states import Role
from healthdesk.tui.action import Action, M
from healthdesk.tui.action import on as _on
from healthdesk.tui.delivery_actions import DELIVERY_ACTIONS, ROW

AREAS = ("connections", "problems", "log", "callbacks", "alerts", "activity")
TITLES = ("Connections", "Problems", "Log", "Callbacks", "Alerts", "Activity")
RANKS = {Role.MEMBER: 0, Role.MANAGER: 1, Role.ADMINISTRATOR: 2}


LISTS = "connections problems log callbacks alerts activity"
ROWS = "task-row proof-row"
"""The table of tasks, and that of proof syncs, in the window of a connection: there keys act on the row."""
WINDOWS = (
    "connection heartbeat expiries integration record attempt job jobs fix filters problem callback members task template proof label tasks templates labels integrations people app-integration sources source ledger "
    + ROWS
)

EVERYWHERE = f"{LISTS} {ROW} job-line {WINDOWS}"
AREA_ONE = _on(f"connections {ROW}")

ACTIONS: tuple[Action, ...] = (
    Action("open", "enter", "Open", "open", _on(LISTS + f" {ROW} connection expiries integration record problem task template proof tasks templates labels integrations people sources source ledger"), "Open what is under the cursor", rank=1),
    Action("open", "enter", "Open", "open", _on("task-row"), "The task with its issue and runs", rank=1),
    Action("view", "enter", "View", "view", _on("proof-row label"), "What it collected; for those who are no members of its label or control, where to ask", rank=1),
    Action("menu", "full_stop", "Actions", "actions", _on(EVERYWHERE), "Everything that can be done with it", rank=2, item=False),
    *DELIVERY_ACTIONS,
    Action("sync", "s", "Sync now", "sync", _on("task-row task tasks"), "Create the issue, or compare it with the task and bring both in line", rank=3, ruled="sync"),
    Action("sync", "s", "Sync now", "sync", _on("proof-row proof label"), "Collect the proof now", rank=3, ruled="sync"),
    Action("attach", "i", "Attach an existing issue", "attach", _on("task-row task"), "Find it by key, address or words, and review what of the task it overwrites", ruled="attach"),
    Action("create_issue", "I", "Create a new issue", "create issue", _on("task-row task"), "For a task that is unlinked, or whose issue was deleted", ruled="create_issue"),
    Action("unlink", "D", "Unlink", "unlink", _on("task-row task"), "Part the task from its issue; both stay", ruled="unlink"),
    Action("reconnect", "K", "Reconnect", "reconnect", _on("task-row task"), "After a disconnect: this task, and all others of the same user and app", ruled="reconnect"),
    Action("template", "T", "Open its template", "template", _on("task-row task"), "The repeating task that it was created from"),
    Action("change_connection", "O", "Change connection", "change connection", _on("proof-row proof"), "Let it collect with another connection of the app", ruled="change_connection"),
    Action("settings", "e", "Settings", "settings", _on("proof-row proof"), "What it collects, how often, its name and label; put to the app before it is saved", rank=4, ruled="settings"),
    Action("delete", "D", "Delete proof sync", "delete", _on("proof-row proof"), "With all that it collected", ruled="delete"),
    Action("integrate", "L", "Choose an integration", "integrate", _on("task"), "For a task that has none: a new issue, or one that exists", rank=4, ruled="integrate"),
    Action("integrate", "L", "Choose an integration", "integrate", _on("template"), "The one that tasks created from now on get", role=M),
    Action("issue", "o", "Open the issue", "issue", _on("task"), "Its address, also to the clipboard", ruled="open"),
    Action("edit", "e", "Edit task", "edit", _on("task tasks"), "Name, description, status, due date, assignee; what is synced goes to its issue", rank=5, ruled="edit"),
    Action("remove", "Z", "Remove the task", "remove", _on("task tasks"), "Its issue stays", ruled="remove"),
    Action("create", "I", "Create a task", "create task", _on("template templates"), "Now, whatever its schedule says", role=M, rank=3),
    Action("edit", "e", "Edit template", "edit", _on("template templates"), "Its schedule, and what each task begins with", role=M, rank=4),
    Action("remove", "D", "Remove the template", "remove", _on("template templates"), "Tasks made from it stay", role=M),
    Action("new", "n", "New task", "new", _on("tasks"), "With an issue in an app, or without", rank=6, item=False),
    Action("new", "n", "New template", "new", _on("templates"), "A task that repeats on a schedule", role=M, rank=6, item=False),
    Action("new", "n", "New label or control", "new", _on("labels"), "Proof is filed under it; its members see it", role=M, rank=6, item=False),
    Action("new", "n", "New integration", "new", _on("integrations"), "Of tasks: an app, a project, fields and statuses; of proof: an app", role=M, rank=6, item=False),
    Action("new_proof", "P", "New proof sync", "new proof", AREA_ONE, "Integration, dataset, label or control", item=False),
    Action("new_proof", "P", "New proof sync", "new proof", _on("labels label"), "Integration, dataset; filed under this label or control", rank=5, item=False),
    Action("edit", "e", "Edit label", "edit", _on("labels label"), "Its name, and who its members are", role=M, rank=4),
    Action("remove", "D", "Remove the label", "remove", _on("labels label"), "When no proof is filed under it", role=M),
    Action("mapping", "F", "Fields and statuses", "mapping", _on("app-integration"), "Which way each field is synced, which status is which", role=M, rank=3),
    Action("edit", "e", "Edit integration", "edit", _on("app-integration"), "Name, where issues are created, admin connection, how often", role=M, rank=4),
    Action("connection", "o", "Open its connection", "connection", _on("app-integration"), "The admin connection"),
    Action("pause", "p", "Pause or resume", "pause/resume", _on("app-integration"), "Nothing of a paused one is synced or collected", role=M, rank=5),
    Action("remove", "D", "Remove the integration", "remove", _on("app-integration"), "Its tasks and their issues stay, parted from each other", role=M),
    Action("tasks", "T", "Tasks", "tasks", AREA_ONE, "Every task of the desk, with or without an issue", item=False),
    Action("templates", "R", "Templates", "templates", AREA_ONE, "Tasks that repeat on a schedule", item=False),
    Action("labels", "L", "Labels and controls", "labels", AREA_ONE, "What proof is filed under, and who sees it", item=False),
    Action("integrations", "i", "Integrations", "integrations", AREA_ONE, "Of tasks, of proof, and those that deliver", item=False),
    Action("people", "Y", "People", "people", AREA_ONE, "Whose connection is which, and handing over those of somebody who leaves", item=False),
    Action("hand_over", "W", "Hand over", "hand over", _on("people"), "A connection, or all that somebody owns, to somebody else; says first what goes along", role=Role.ADMINISTRATOR, rank=3, item=False),
    Action("export", "x", "Export", "export", _on("proof"), "CSV or JSON, to a file that you name", rank=5),
    Action("check", "c", "Check now", "check", _on("connections expiries connection"), "Ask the app now whether the connection works", rank=3, ruled="check"),
    Action("check", "c", "Check now", "check", _on(ROW), "Ask the app now whether the connection it delivers on works", ruled="check"),
    Action("check", "c", "Check now", "check", _on("task-row"), "Ask the app now whether its connection works", rank=5, ruled="check"),
    Action("check", "c", "Check now", "check", _on("proof-row"), "Ask the app now whether its connection works", ruled="check"),
    Action("credentials", "u", "Update credentials", "credentials", _on("connections expiries connection"), "Enter new credentials; they are tried beside the old ones", rank=4, ruled="update_credentials"),
    Action("credentials", "u", "Update credentials", "credentials", _on(ROW), "Enter new credentials of the connection it delivers on", ruled="update_credentials"),
    Action("credentials", "u", "Update credentials", "credentials", _on(ROWS), "Enter new credentials of its connection", ruled="update_credentials"),
    Action("put_back", "B", "Put back the previous credentials", "put back", _on("connections connection"), "Those before the last update, for an hour after it; they are tried first", ruled="put_back"),
    Action("make_owner", "W", "Make me owner", "make me owner", _on("connection"), "Administrators take it over with credentials of their own; what syncs with it goes on", ruled="make_me_owner"),
    Action("members", "M", "Members", "members", _on("connection"), "Who may use it, and who manages its health"),
    Action("others", "w", "Other connections", "others", _on("connection " + ROWS), "Those of other people to the same app and account", item=False),
    Action("connection", "o", "Open its connection", "connection", _on("problems problem"), "The connection whose failure it is"),
    Action("expiries", "x", "Expiry calendar", "expiry", AREA_ONE, "Which credential ends when, the soonest first", item=False),
    Action("expiry", "X", "Enter expiry", "expiry", _on("connection expiries"), "The day the credentials end, where the app does not tell", ruled="edit"),
    Action("accept", "A", "Accept changed identity", "accept", _on("connection"), "Take account, site and scopes as they are now for those that are meant", ruled="edit"),
    Action("ping", "h", "Set push heartbeat", "push heartbeat", _on("connection"), "What cannot be called pings the desk: how often, and how late it may be", ruled="pings"),
    Action("new_address", "H", "New push address", "new address", _on("connection"), "It is shown once; the one before is refused from then on", ruled="pings"),
    Action("remove_ping", "Z", "Remove push heartbeat", "remove", _on("connection"), "Expect no pings any more", ruled="pings"),
    Action("new", "n", "New connection", "new", AREA_ONE, "Connect an app: choose it, give what it asks for", role=M, rank=7, item=False),
    Action("new", "n", "Add a member", "add", _on("members"), "A user or a manager of the connection", rank=3, item=False, ruled="members"),
    Action("edit", "e", "Change the grant", "change", _on("members"), "User or manager", rank=4, ruled="members"),
    Action("remove", "D", "Remove the member", "remove", _on("members"), "They may no longer use the connection", rank=5, ruled="members"),
    Action("new", "n", "New channel", "new", _on("alerts"), "Add a channel by its Apprise URL", role=M, rank=4, item=False),
    Action("edit", "e", "Edit connection", "edit", _on("connections connection"), "Change name, settings, address, expiry and callbacks", rank=5, ruled="edit"),
    Action("log", "l", "View Logs", "logs", _on("problems problem"), "Open the log with this filter", rank=4),
    Action("disconnect", "D", "Disconnect", "disconnect", _on("connections connection"), "Erase its credentials and end the connection, after naming what stops", ruled="disconnect"),
    Action("resend", "s", "Resend", "resend", _on("log record"), "Send the record again; with marks, all that are marked", role=M, rank=3),
    Action("resend_all", "S", "Resend All", "resend all", _on("log problem"), "Send again all that the filter matches, after a confirmation", role=M, rank=4),
    Action("follow", "w", "Live tail", "live tail", _on("log"), "Let the log stand still, or follow what is new again", item=False),
    Action("filters", "F", "Saved filters", "filters", _on("log"), "Use one, save this one, share it", item=False),
    Action("export", "x", "Export", "export", _on("log"), "All that the filter matches, as CSV or JSON lines, to a file that you name; again: stop it", role=M, item=False),
    Action("use", "enter", "Use", "use", _on("filters"), "Show the log under this filter", rank=1),
    Action("new", "n", "New saved filter", "save", _on("filters"), "The filter that the log has now, under a name", rank=3, item=False),
    Action("share", "h", "Share or unshare", "share", _on("filters"), "Everybody sees it, or you alone", rank=4),
    Action("remove", "D", "Remove the filter", "remove", _on("filters"), "It is no longer offered", rank=5),
    Action("fix", "f", "Fix and resend", "fix", _on("log record"), "Edit body, headers or mapping, see the difference, resend", role=M, rank=4),
    Action("fix", "f", "Fix and resend", "fix", _on("problems problem"), "A mapping for all of its records: see what it does to the sample, resend as a job", role=M),
    Action("unfix", "D", "Remove the fix", "unfix", _on("record"), "It is sent as it was posted again; nothing is resent", role=M),
    Action("look_up", "L", "Look up now", "look up", _on("log record"), "Ask the endpoint whether it has what may have arrived", role=M),
    Action("problem", "o", "Open its problem", "problem", _on("log record"), "What it fails with, and all that fails the same way"),
    Action("job", "J", "Open its job", "job", _on("record"), "The job that sent it last"),
    Action("save_mapping", "w", "Save the mapping", "save mapping", _on("record job"), "Keep the steps and headers it was delivered with, for all records from now on", role=M, rank=5),
    Action("jobs", "J", "Jobs", "jobs", _on("log problems problem job-line"), "Bulk resends, fixes and samples: under way and ended", item=False),
    Action("open", "enter", "Open", "open", _on("jobs job"), "A job; in its window, the record under the cursor", rank=1),
    Action("open_job", "enter", "Open", "open", _on("job-line"), "What became of each record", rank=1),
    Action("pause_job", "p", "Pause or resume", "pause/resume", _on("job-line jobs job"), "What is under way goes on and is counted", role=M, rank=3),
    Action("cancel_job", "D", "Cancel the job", "cancel", _on("job-line jobs job"), "What was not sent yet stays as it is", role=M, rank=4),
    Action("log", "l", "View Logs", "logs", _on("job"), "Its records in the log", rank=6),
    Action("new", "n", "New change", "new", _on("fix"), "Set, default, rename, format or remove a value; or a header", rank=1, item=False),
    Action("edit", "e", "Edit the change", "edit", _on("fix"), "The one under the cursor", rank=2, item=False),
    Action("remove", "D", "Remove the change", "remove", _on("fix"), "The one under the cursor", rank=4, item=False),
    Action("raise", "K", "Move the step up", "up", _on("fix"), "It is carried out before the one above it", item=False),
    Action("lower", "J", "Move the step down", "down", _on("fix"), "It is carried out after the one below it", item=False),
    Action("note", "N", "Write a note", "note", _on("fix"), "Why it is sent otherwise: kept with the fix, and on the timeline of its records", role=M, item=False),
    Action("body", "b", "Edit the body", "body", _on("fix"), "The whole body of the one record, in clear; JSON is checked while it is typed, and it is noted in the activity log", role=M, rank=3, item=False),
    Action("scope", "A", "Fix all of its problem", "all of its problem", _on("fix"), "The same steps for every record of the problem, as a job", role=M, item=False),
    Action("resend", "s", "Resend with the fix", "resend", _on("fix"), "One record at once; all of a problem as a job, after its plan", role=M, rank=5, item=False),
    Action("error", "E", "View Error Message", "error", _on("log record"), "Status code, duration, error message and bodies of a failed record"),
    Action("error", "E", "View Error Message", "error", _on(ROWS + " task proof"), "The whole of it, whose fault it is and what to do"),
    Action("failed", "b", "All, failed or blocked", "failed only", _on("connection " + ROWS), "Which of the tasks or proof syncs are shown", item=False),
    Action("mark", "space", "Mark", "mark", _on("log"), "Mark the record for a resend", rank=5),
    Action("unmark", "U", "Remove all marks", "unmark", _on("log"), "Forget what was marked", item=False),
    Action("reveal", "v", "Reveal values", "reveal", _on("record attempt callback fix"), "Show the values of the record, of the one attempt, of the callback or of the difference; it is noted in the activity log", role=M, rank=5),
    Action("curl", "C", "Copy as curl", "curl", _on("record attempt"), "A curl command of the request as it was sent; secrets, and the body until its values are revealed, are variables of the shell"),
    Action("previous_tab", "left_square_bracket", "Previous tab", "tab", _on("record"), "", item=False),
    Action("previous_tab", "left_square_bracket", "Previous tab", "tab", _on("connection " + ROWS), "", item=False),
    Action("next_tab", "right_square_bracket", "Next tab", "tabs", _on("connection " + ROWS), "Tasks, Proof syncs, Heartbeats, Evidence, Changes, Details", rank=5, item=False),
    Action("previous_tab", "left_square_bracket", "Previous tab", "tab", _on("task template proof"), "", item=False),
    Action("next_tab", "right_square_bracket", "Next tab", "tabs", _on("task"), "Task, Runs", rank=6, item=False),
    Action("next_tab", "right_square_bracket", "Next tab", "tabs", _on("template"), "Tasks, Template", rank=6, item=False),
    Action("next_tab", "right_square_bracket", "Next tab", "tabs", _on("proof"), "Contents, Difference, Runs, Settings", rank=6, item=False),
    Action("next_tab", "right_square_bracket", "Next tab", "tabs", _on("record"), "Request, Response, Error, Attempts, Record", rank=6, item=False),
    Action("ack", "a", "Acknowledge", "ack", _on("problems problem"), "Take it: no further alerts but its recovery", role=M, rank=3),
    Action("mute", "m", "Mute or unmute", "mute", _on("problems problem"), "No alerts of it for a day", role=M, rank=4),
    Action("resolve", "R", "Resolve", "resolve", _on("problems problem"), "Close it by hand; a new failure opens it again", role=M),
    Action("reprocess", "P", "Process again", "reprocess", _on("callbacks callback"), "Handle the callback once more", role=M),
    Action("test", "t", "Test the channel", "test", _on("alerts"), "Send a test message and show what became of it", role=M, rank=3),
    Action("remove", "D", "Remove the channel", "remove", _on("alerts"), "No alerts go there any more", role=M),
    Action("switch", "w", "Channels or sent alerts", "other list", _on("alerts"), "Move between the two lists", rank=5, item=False),
    Action("filter", "slash", "Filter", "filter", _on(f"connections {ROW} problems log callbacks activity tasks templates labels integrations people jobs job filters sources ledger"), "Narrow the list", rank=6, item=False),
    Action("filter", "slash", "Filter", "filter", _on("connection " + ROWS), "Words of the name, beside the quick filter", item=False),
    Action("clear", "backspace", "Clear the filter", "clear", _on(f"connections {ROW} problems log callbacks activity tasks templates labels integrations people jobs job filters connection sources ledger " + ROWS), "Show everything again", item=False),
    Action("refresh", "r", "Refresh", "refresh", _on(EVERYWHERE), "Read it again; also tries a lost daemon now", item=False),
    Action("copy", "y", "Copy", "copy", _on(EVERYWHERE), "To the clipboard (OSC 52), and on a plain page to select by hand", rank=8, item=False),
    Action("back", "escape", "Back", "back", _on(WINDOWS), "To where you came from", rank=7, item=False),
    Action("help", "question_mark", "Help", "help", _on(EVERYWHERE), "The keys that work here", rank=9, item=False),
)  # fmt: skip

KEY_NAMES = {
    "full_stop": ".",
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "ctrl+p": "^p",
}

MOVES: tuple[tuple[str, str], ...] = (
    ("↑ ↓ j k", "move"),
    ("g G home end", "first and last row"),
    ("pgup pgdn ^u ^d", "a page up or down"),
    ("tab shift+tab", "next and previous pane"),
    ("1 – 6", "Connections, Problems, Log, Callbacks, Alerts, Activity"),
    ("^p", "palette: every action of the screen, and every area, by name"),
    ("q", "quit"),
)
"""Keys that work everywhere; the tables and the app bind them."""


def key_name(key: str) -> str:
    """Return how a key is written for people."""
    return KEY_NAMES.get(key, key)


def actions_of(screen: str) -> list[Action]:
    """Return what a screen, or what of it has the focus, offers, in the registry's order."""
    return [action for action in ACTIONS if screen in action.screens]


def action_of(screen: str, action_id: str) -> Action | None:
    """Return one action of a screen."""
    return next((action for action in actions_of(screen) if action.id == action_id), None)


def bindings_of(screen: str) -> list[Binding]:
    """Return the key bindings of a screen."""
    return [
        Binding(
            action.key,
            f"do('{action.id}')",
            action.label,
            show=bool(action.rank),
            key_display=key_name(action.key),
        )
        for action in actions_of(screen)
    ]


def footer_of(screen: str, most: int = 7, *, without: frozenset[str] = frozenset()) -> list[Action]:
    """Return the actions of the footer, at most `most`; help is always among them."""
    offered = [action for action in actions_of(screen) if action.rank and action.id not in without]
    ranked = sorted(offered, key=lambda action: action.rank)
    helps = [action for action in ranked if action.id == "help"]
    others = [action for action in ranked if action.id != "help"]
    return others[: most - len(helps)] + helps


def allowed(role: Role | None, needed: Role) -> bool:
    """Return whether an operator's role reaches the one an action needs; the daemon decides in the end."""
    return role is None or RANKS[role] >= RANKS[needed]
