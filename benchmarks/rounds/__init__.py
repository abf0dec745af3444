"""Do rounds make the model better? Six rounds of a simulated team, beside a control arm."""
