"""The command line, `kosmos-agent`."""
