"""Constraints in the languages of other tools."""
