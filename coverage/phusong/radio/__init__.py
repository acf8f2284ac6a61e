"""What is heard where: propagation over terrain, link budgets, footprints."""
