"""A trained model as a Hugging Face folder, and the proof that it is the trained one."""
