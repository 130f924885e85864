# ruff: noqa: INP001 - read by Sphinx, not part of the package
"""How docs/ becomes a site: `make docs`. Warnings are errors there: a link or an anchor that leads nowhere is one."""

project = "podbt"
author = "the podbt authors"
copyright = "the podbt authors, Apache-2.0"  # noqa: A001 - Sphinx reads the variable of this name

extensions = ["myst_parser"]
nitpicky = True
# Links may name the headings that GitHub would make anchors of.
myst_heading_anchors = 4

# Brings its style, scripts and search along and loads nothing from elsewhere: the site is read from a folder, too.
html_theme = "furo"
html_title = "podbt"
html_copy_source = False
html_use_index = False
html_show_sphinx = False
