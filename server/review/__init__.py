"""An optional reviewer of how answers are worded: a language model behind an OpenAI-compatible address."""
