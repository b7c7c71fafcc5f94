from .candidates import candidates, catalogue
from .measuring import Measurements, measure
from .recommending import Recommendation, recommend

__all__ = ["Measurements", "Recommendation", "candidates", "catalogue", "measure", "recommend"]
