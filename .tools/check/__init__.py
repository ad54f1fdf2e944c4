"""The checks of this checkout: its tests in a test cloud, and checks that run longer or need containers."""
