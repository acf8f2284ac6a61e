"""What works, and for whom: power, backhaul, sharing, capacity."""
