"""What a run would take, counted without weights, data or devices."""
