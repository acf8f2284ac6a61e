"""Rival propagation models, one file each, one signature."""
