"""Signal coverage for everyone: who has no stable internet, why not, and what to do first."""
