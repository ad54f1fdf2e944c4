"""What all the tools share: output, processes, virtual environments, settings, and clients of a deployed stack."""
