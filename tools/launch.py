"""A Sphinx extension: where `repository: url` of `_config.yml` is set, chapters open in Binder and in Colab.

The buttons are the theme's. Left to itself it would need a setting for each, and stop a build that has those and no
address.
"""

SERVICES = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
    "notebook_interface": "jupyterlab",
}


def add_services(app, config):
    options = config.html_theme_options
    if not options.get("repository_url"):
        return
    on_github = "github.com/" in options["repository_url"]  # Colab opens nothing else
    options["launch_buttons"] = {name: value for name, value in SERVICES.items() if on_github or name != "colab_url"}


def setup(app):
    app.connect("config-inited", add_services)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
