from .failures import Example, errors, examples, item_values
from .forgetting import Forgetting, measure_forgetting
from .leakage import LeakEffect, copies_above, leak_effect
from .slices import Sliced, by_slice, slice_labels
from .spaces import Projection, project, space
from .thresholds import Threshold, threshold

__all__ = [
    "Example",
    "Forgetting",
    "LeakEffect",
    "Projection",
    "Sliced",
    "Threshold",
    "by_slice",
    "copies_above",
    "errors",
    "examples",
    "item_values",
    "leak_effect",
    "measure_forgetting",
    "project",
    "slice_labels",
    "space",
    "threshold",
]
