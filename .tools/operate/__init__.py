"""What operates a deployed stack, on AWS or on this machine."""
