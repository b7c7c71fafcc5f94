from . import (
    choose, course, deploy, evaluate, exercises, finetune, firstlook, hardware, plots, prepare, report, runs, sections,
    stats, storage, vectors, widgets,
)  # fmt: skip

__version__: str
__all__ = [
    "choose",
    "course",
    "deploy",
    "evaluate",
    "exercises",
    "finetune",
    "firstlook",
    "hardware",
    "plots",
    "prepare",
    "report",
    "runs",
    "sections",
    "stats",
    "storage",
    "vectors",
    "widgets",
]
