"""Trust by configuration: who may sign what for which images, and the verifier that follows."""
