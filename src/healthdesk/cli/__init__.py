"""The command line: arguments in, tables or JSON out. Starting it imports nothing heavy."""
