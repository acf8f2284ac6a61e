"""Who is served, and why others are not: gaps by cause, locked sites, readiness of signal, power and backhaul."""
