"""What the command line can do: one file a group of commands, none with logic of its own."""
