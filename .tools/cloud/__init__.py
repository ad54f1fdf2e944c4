"""The local cloud: an AWS on this machine with the stack in it."""
