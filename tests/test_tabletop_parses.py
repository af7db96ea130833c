"""The simulation's own parser: every sentence of its grammar, and nothing besides."""

from random import Random

import pytest
from synthetic_scenes import random_scene

from kosmos_agent.grit.chunks import noun_chunks, visible_chunks
from kosmos_agent.grit.errors import InvalidCaptionError
from kosmos_agent.grit.expressions import expression_tokens
from kosmos_sim.parses import TabletopParser

PARSER = TabletopParser()
