"""Pure builders of manifests, one object a module: settings and facts in, a finished manifest out."""
