"""How the best plan is found and certified: merging, prices that bound, search, branch and bound."""
