"""Cost on the node: which pod holds what of which device, and what was made of it. Pure: no hardware, no clock."""
