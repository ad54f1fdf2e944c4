"""The local cloud: ministack, an AWS on one port of this machine, with the stack of this checkout in it."""
