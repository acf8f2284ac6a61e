"""Storms: tracks, wind fields, damage, impact, recovery."""
