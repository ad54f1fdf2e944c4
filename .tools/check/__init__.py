"""The checks of this checkout: its tests in a cloud of their own, and what runs longer or needs containers."""
