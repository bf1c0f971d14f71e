"""Which clients there are, and what has to be installed for each beside this environment's packages."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLIENTS", "Client"]


class Client(NamedTuple):
    """A library that uses lime; its program in `programs/` has its name after ``run_``."""

    packages: tuple[str, ...]


_OF_SHAPASH = (
    *("plotly", "category_encoders", "statsmodels", "patsy", "flask", "werkzeug", "itsdangerous", "blinker", "dash<4"),
    *("dash-bootstrap-components", "dash-daq", "phik", "shapely", "retrying", "importlib_metadata", "zipp"),
)
CLIENTS = {
    "shap": Client(()),  # one of limelight's own extras
    "interpret-core": Client(("interpret-core==0.7.8",)),
    "dalex": Client(("dalex==1.8.0", "plotly")),
    "shapash": Client(("shapash==2.10.0", *_OF_SHAPASH)),
    "dianna": Client(("dianna==1.8.1", "xarray", "fastdtw", "pooch", "platformdirs")),
    "lime-stability": Client(("lime-stability==0.1.1", "statsmodels", "patsy")),
}
