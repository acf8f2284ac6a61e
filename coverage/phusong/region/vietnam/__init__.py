"""Viet Nam from public packages: communes, people, terrain, and modelled networks."""
