"""The command line: reads options, calls the package, prints answers."""
