"""What a network costs: layers, parameters, multiply-adds."""
