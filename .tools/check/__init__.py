"""Checks beyond the Go tests: soak, isolation, conformance, containers."""
