"""Composers and field types that two or more templates share."""
