"""Reading and writing at the edge: whole files and folders, limits for untrusted input, archives, text for people."""
