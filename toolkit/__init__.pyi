from . import deploy, evaluate, finetune, plots, prepare, report, runs, stats, storage, vectors

__version__: str
__all__ = ["deploy", "evaluate", "finetune", "plots", "prepare", "report", "runs", "stats", "storage", "vectors"]
