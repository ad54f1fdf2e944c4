"""What the three kinds of tools share."""
