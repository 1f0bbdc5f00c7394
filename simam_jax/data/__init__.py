"""The numpy side: where images come from, how they are prepared, decoded and served."""
