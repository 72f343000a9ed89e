"""The actions of delivery integrations, their environments and their sources, the documented names first."""

from __future__ import annotations

from healthdesk.tui.action import Action, M, on

ROW = "integration-row"
"""A delivery integration in Connections, in the registry: what its window offers, its row offers, too."""
BOTH = on(f"integration {ROW}")

DELIVERY_ACTIONS: tuple[Action, ...] = (
    Action("testing", "E", "Testing configuration", "testing", BOTH, "Endpoint, headers and limits of the testing environment, always marked TESTING; then test it", role=M),
    Action("sample", "t", "Send sample data", "sample", on(f"integration source {ROW}"), "One sample for each level of the sources you pick, to testing or production", role=M, rank=3),
    Action("sample", "t", "Send sample data", "sample", on("log"), "Through the integration that the filter names, else that of the record", role=M, item=False),
    Action("notify", "N", "Add Notifications", "notifications", BOTH, "Its problems go to the channels you choose and to no others; testing is silent unless you say so", role=M),
    Action("log", "l", "View Logs", "logs", BOTH, "Open the log with this filter", rank=4),
    Action("probe", "X", "Test configuration", "test", BOTH, "Send one signed probe, and show the whole exchange; no record is made", role=M),
    Action("promote", "U", "Promote to production", "promote", BOTH, "Shows how testing differs, and copies it, credentials excepted", role=M),
    Action("pause", "p", "Pause or resume", "pause/resume", on("integration"), "Hold the records of the environment, or send them again", role=M),
    Action("pause", "p", "Pause or resume", "pause/resume", on(ROW), "Hold its records, or send them again", role=M, rank=5),
    Action("circuit", "C", "Circuit", "circuit", BOTH, "Probe it with one record, close it, or open it by hand", role=M),
    Action("edit", "e", "Edit integration", "edit", BOTH, "Its name, and endpoint, headers and limits of the environment", role=M),
    Action("method", "M", "Delivery method", "method", BOTH, "Body and mapping, batches, order, lookup, receipts, when the circuit opens", role=M),
    Action("keys", "K", "Keys and secrets", "keys", BOTH, "Make a bearer key or a signing secret of the environment; shown once", role=M),
    Action("connection", "o", "Open its connection", "connection", BOTH, "The connection the environment delivers on"),
    Action("enable", "O", "Enable or disable", "enable", on("integration source"), "Whether records of the source are delivered through the integration", role=M, rank=5),
    Action("silence", "h", "Silence", "silence", on("integration source"), "When it is a problem that the source sends nothing: learnt, set, or never", role=M),
    Action("edit", "e", "Edit source", "edit", on("sources source"), "Its name and levels", role=M, rank=4),
    Action("new", "n", "New source", "new", on("integration"), "An HRA, a form, an assessment", role=M, item=False),
    Action("new", "n", "New source", "new", on("sources"), "An HRA, a form, an assessment", role=M, rank=6, item=False),
    Action("new", "n", "Add a field", "add field", on("source"), "Name, type, required, example, masked, found by it", role=M, rank=5, item=False),
    Action("remove", "D", "Remove the field", "remove", on("source"), "Its values are not validated any more, and are masked", role=M),
    Action("jobs", "J", "Jobs", "jobs", on("integration"), "Bulk resends, fixes and samples: under way and ended", item=False),
    Action("sources", "F", "Sources", "sources", on(f"connections {ROW}"), "HRAs and forms: levels, fields, where they are enabled, which are silent", item=False),
    Action("ledger", "b", "Ledger", "ledger", on(f"connections integration {ROW}"), "Every record of a period in exactly one state with its reason, and whether it balances", item=False),
    Action("previous_tab", "left_square_bracket", "Previous tab", "tab", on("integration source"), "", item=False),
    Action("next_tab", "right_square_bracket", "Next tab", "tabs", on("integration"), "Problems, Sources, Delivery, Details", rank=6, item=False),
    Action("next_tab", "right_square_bracket", "Next tab", "tabs", on("source"), "Fields, Integrations", rank=6, item=False),
)  # fmt: skip
