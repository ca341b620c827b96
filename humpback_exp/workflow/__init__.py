"""What is more than one stage: the loop, its variants, its plan, the report."""
