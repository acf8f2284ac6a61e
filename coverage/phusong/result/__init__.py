"""What a run found: values, registry of tables, files, redaction, provenance."""
