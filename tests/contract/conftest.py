"""Fixtures of the contract's tests: no programs."""

from hypothesis import HealthCheck, settings

from tests.no_programs import no_programs

__all__ = ["no_programs"]

# The machine may be busy with guests: slow is not wrong.
settings.register_profile(
    "contract",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("contract")
