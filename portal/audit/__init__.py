"""Who did what to which row, when and why; append-only."""
