"""What is so now: events of the day applied to a region, touching only what they change."""
