"""What happens now: events, incremental state, KPIs."""
