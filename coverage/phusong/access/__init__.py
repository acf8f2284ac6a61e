"""Who is served, and why not."""
