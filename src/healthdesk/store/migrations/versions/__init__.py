"""One file a revision; their order is in `down_revision`."""
