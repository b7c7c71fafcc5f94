from .reading import FileTable, read

__all__ = [
    "FileTable",
    "read",
]
