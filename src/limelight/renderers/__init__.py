"""An explanation as text, page, picture or frame: a file each."""
