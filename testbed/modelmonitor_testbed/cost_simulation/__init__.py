"""Four hundred days of GPUs, pods, crashes and clock steps on a virtual clock, judged by exact arithmetic."""
