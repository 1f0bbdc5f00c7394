"""The page's sections: each from runs and results to what its template shows, or None where there is nothing."""
