"""What to do: remedies, costs, bundles, the best plan and its bound."""
