"""How it is shown: the result folder, maps, the page."""
