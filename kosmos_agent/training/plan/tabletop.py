"""The embedded model's recipe in the terms that a plan counts in."""

from __future__ import annotations

from dataclasses import asdict

from kosmos_agent.model.config import ConvVisionConfig
from kosmos_agent.training.recipe.models import (
    BatchSection,
    ComputeSection,
    DataSection,
    ModelSection,
    OptimiserSection,
    Recipe,
    ScheduleSection,
    Shape,
)
from kosmos_agent.training.recipe.tabletop import TabletopRecipe
from kosmos_agent.training.tabletop import SLOTS, tabletop_config

EMBEDDED = "tabletop"


def as_counted(recipe: TabletopRecipe) -> Recipe:
    """A recipe of the same model, rows and steps: every row full, every picture of the largest size, so no less work.

    Not in it: the helper heads, their losses, and the averaged weights, four bytes a parameter more.
    """
    text = asdict(tabletop_config(vocab_size=1).text)
    del text["vocab_size"]  # the tokenizer says it
    vision = {"model_type": ConvVisionConfig.model_type, "image_size": recipe.size}
    batch = recipe.batch_size
    return Recipe(
        recipe="pretrain",
        seed=recipe.seed,
        model=ModelSection(tokenizer=EMBEDDED, shape=Shape(text=text, vision=vision, image_slots=SLOTS)),
        schedule=ScheduleSection(
            steps=recipe.steps,
            warmup_steps=min(recipe.warmup_steps, recipe.steps - 1),
            learning_rate=recipe.learning_rate,
        ),
        optimiser=OptimiserSection(
            betas=recipe.betas, weight_decay=recipe.weight_decay, gradient_clip=recipe.gradient_clip
        ),
        batch=BatchSection(row_tokens=recipe.row_tokens, rows_per_pass=batch, pack=False, pictures="stretch"),
        compute=ComputeSection(precision="bfloat16", head_chunk=batch * recipe.row_tokens),
        data=(
            DataSection(
                kind="referring",
                name="table-tops",
                path="rendered as they are needed",
                per_step=batch,
                mean_tokens=recipe.row_tokens,
            ),
        ),
    )
