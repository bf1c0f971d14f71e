"""Tables: the columns of a row are the components, and their values are drawn."""
