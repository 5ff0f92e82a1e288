"""`watch`: what a training step is watched for, and what happens when something is wrong."""

from typing import Annotated, Literal

from pydantic import Field

from tunewright.spec.model.section import Count, Duration, Section

Policy = Literal["warn", "rollback_and_continue", "pause", "stop"]
"""`warn`: say it and go on. `rollback_and_continue`: take weights and optimizer of the last checkpoint and go on with
the next rows. `pause`: rest at the last checkpoint until somebody resumes. `stop`: fail.
"""

OutsidePolicy = Literal["warn", "pause", "stop"]
"""As above, for what going back to a checkpoint can't mend."""

MemoryShare = Annotated[float, Field(gt=0, le=1)]


class Watch(Section):
    """What a training step is watched for; all processes of a step decide the same at the same step."""

    not_finite: Policy | None = None
    """The loss or a gradient is NaN or infinite (with fp16, whose scaler skips such steps, only the loss)."""

    loss_spike: Policy | None = None
    """The loss lies far above the last ones."""

    loss_spike_threshold: Annotated[float, Field(ge=3)] | None = None
    """How far: robust standard deviations (from the median absolute deviation) above the median of the window."""

    gradient_explosion: Policy | None = None
    """The gradient's norm, before clipping, is far above the last ones and above `max_grad_norm`."""

    gradient_explosion_factor: Annotated[float, Field(gt=1)] | None = None
    """How far: so many times the median of the window."""

    window: Annotated[int, Field(ge=8, le=10_000)] | None = None
    """Steps that losses and gradients are compared with."""

    warm_up: Annotated[int, Field(ge=4, le=10_000)] | None = None
    """Steps before the first comparison."""

    zero_gradient: Policy | None = None
    """The gradient stays zero: nothing is learnt."""

    zero_gradient_steps: Count | None = None
    """Steps in a row that count as that."""

    stalled_step: OutsidePolicy | None = None
    """A step does not end."""

    stalled_step_factor: Annotated[float, Field(gt=1)] | None = None
    """A step may take so many times the median step."""

    stalled_step_at_least: Duration | None = None
    """A step may always take this long."""

    stalled_step_limit: Duration | None = None
    """No step, not even the first, may take longer; unlimited when not written."""

    reward_collapse: Policy | None = None
    """Replies get all the same reward, or the accuracy of rewards falls below chance (methods with rewards)."""

    reward_collapse_reports: Count | None = None
    """Reports over which that has to last."""

    memory: OutsidePolicy | None = None
    """Nearly all memory of the host or of a device is in use."""

    host_memory_share: MemoryShare | None = None
    """Share of the host's memory (or of the limit set to the step's group) that counts as that."""

    device_memory_share: MemoryShare | None = None
    """Share of a device's memory that counts as that."""

    rollbacks: Count | None = None
    """How often a step goes back before it stops."""

    rollback_learning_rate_factor: Annotated[float, Field(gt=0, le=1)] | None = None
    """The learning rate is multiplied by this at each time it goes back."""
