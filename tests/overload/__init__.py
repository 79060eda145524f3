"""Too much of everything: refused at once and in words, while what was accepted is carried out."""
