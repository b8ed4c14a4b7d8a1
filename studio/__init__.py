"""The studio: domain, engines, services, storage and the pages on top of them."""

import pipelines  # noqa: F401  it says how threads wait, which torch reads when some module of the studio loads it
