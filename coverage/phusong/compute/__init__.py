"""How work is done: spread over threads or machines, and kept so that nothing is computed twice."""
