"""What models cost: prices, ledger, periods, budget, forecast. Pure: no client, clock, logger or environment."""
