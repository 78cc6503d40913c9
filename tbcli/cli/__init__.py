"""The only room that talks to a terminal: options in, results to stdout, narration to stderr."""
