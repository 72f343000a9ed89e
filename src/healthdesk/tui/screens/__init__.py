"""Screens: one operator task each."""
