"""What the unit tests of the tools share."""
