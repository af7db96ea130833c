"""How a model is asked: by the paper's protocol, or through the calls that users make."""
