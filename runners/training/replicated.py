"""Modules that PEFT copies out of a model which torch shards while it loads (FSDP2 on processors).

A copy holds shards like its original, but nothing gathers them for it. It learns whole in every process instead, as
adapters do; transformers' trainer averages the gradients of whatever is not sharded.
"""

from typing import Any


def make_copies_whole(model: Any) -> None:
    """Give every process all weights of the modules that learn in full beside an adapter; all processes call it."""
    from peft.utils.other import ModulesToSaveWrapper

    for wrapper in [module for module in model.modules() if isinstance(module, ModulesToSaveWrapper)]:
        for copy in wrapper.modules_to_save.modules():
            _make_whole(copy)


def _make_whole(module: Any) -> None:
    from torch import nn
    from torch.distributed.tensor import DTensor

    for name, parameter in list(module.named_parameters(recurse=False)):
        if isinstance(parameter, DTensor):
            whole = parameter.detach().full_tensor().clone()
            setattr(module, name, nn.Parameter(whole, requires_grad=parameter.requires_grad))
