"""Data by name, from a file, a folder, the Hub, or memory."""
