"""The local cloud: ministack, which emulates AWS on one port of this machine, with the stack of this checkout in it."""
