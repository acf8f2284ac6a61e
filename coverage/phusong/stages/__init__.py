"""From what a scenario asks to a room's input, and from a room's output to the next: the one place that knows both."""
