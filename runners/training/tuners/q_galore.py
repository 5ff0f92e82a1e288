"""GaLore with projections in 4 bits that are renewed less often once they have settled (Zhang et al. 2024).

The weights stay in the number format of the step: their rounding to 8 bits, the paper's other half, is not done here.
"""

from functools import partial

from tunewright.runners.training.tuners.galore import use_projected_adamw
from tunewright.runners.training.tuners.tuner import TrainingTuner

TUNER = TrainingTuner(ready=partial(use_projected_adamw, four_bits=True))
