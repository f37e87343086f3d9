//! Deployments and all else with a scale subresource.
