"""How results read: tables, Markdown, CSV and JSON documents, and what is said while something goes on."""
