"""Pure functions from the snapshot to metric families. They read no hardware, no clock, and never raise."""
