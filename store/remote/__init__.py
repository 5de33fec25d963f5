"""Where things come from: CivitAI and Hugging Face, over one polite, safe session."""
