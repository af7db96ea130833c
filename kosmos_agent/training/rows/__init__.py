"""From words, boxes and pictures to padded batches of token ids (specification 5.3, 6.3)."""
