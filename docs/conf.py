"""How Sphinx makes the documentation: ``make docs`` writes it to ``build/docs``."""

import warnings

from limelight import __version__

project = "limelight"
author = "The limelight developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["tutorials/README.rst", "tutorials/*.py", "**/*.ipynb"]

# Anchors of headings are GitHub's, so that the pages' links hold in both places.
myst_heading_anchors = 4
myst_enable_extensions = ["html_image"]
myst_links_external_new_tab = False

# Backticks in docstrings name things; those that are no public names stay code.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = False
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "_tutorials",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": ("_repr_html_", "__repr__"),
    "image_scrapers": ("matplotlib",),
    "download_all_examples": False,
    "copyfile_regex": r".*\.rst",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1_000_000,  # times differ from one build to the next
    "write_computation_times": False,
    "abort_on_example_error": True,
}
# A tutorial that warns is as wrong as a test that does.
warnings.filterwarnings("error", module=r"__main__|limelight(\.|$)")

html_theme = "pydata_sphinx_theme"
html_title = "limelight"
html_static_path = ["_static"]
html_css_files = ["limelight.css"]
html_copy_source = False
html_show_sphinx = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "search_bar_text": "Search",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
