"""Count the parameters of a vision tower: patch embedding, blocks, and the mergers into the language model's width."""

from tunewright.compiler.ir.facts import VisionTower

_COLOURS = 3


def count_vision_parameters(tower: VisionTower) -> int:
    """Return the number of parameters of a tower of the Qwen-VL kinds."""
    wide, inner = tower.hidden_size, tower.intermediate_size
    root_norms = tower.kind == "qwen2_5_vl"  # RMSNorm and a gated MLP; the other kinds have LayerNorm and a plain one
    norm = wide if root_norms else 2 * wide
    mlp = 3 * wide * inner + 2 * inner + wide if root_norms else 2 * wide * inner + inner + wide
    block = 4 * wide * wide + 4 * wide + mlp + 2 * norm
    patch = _COLOURS * tower.patch_size**2 * tower.temporal_patch_size * wide
    if tower.kind == "qwen3_vl":
        patch += wide  # its patch embedding has a bias
    merged = wide * tower.spatial_merge_size**2
    projector = merged * merged + merged + merged * tower.out_hidden_size + tower.out_hidden_size
    deepstack = tower.deepstack_mergers * (projector + 2 * merged)
    return patch + tower.learned_positions * wide + tower.depth * block + norm + projector + deepstack
