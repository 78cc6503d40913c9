"""A disk that fails or a process that dies at each of its file operations."""
