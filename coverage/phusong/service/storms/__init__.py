"""Storms: a track, its winds, what they break, how it is mended, and who is without service meanwhile.

Modules in the order of the way: `track`, `wind`, `field`, `fragility`, `damage`, `recovery`, `impact`.
"""
